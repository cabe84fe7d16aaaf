import type { JournalFold, RecordedDecision, SealedBatch } from '@riskledger/screening'
import type { ScreenerMessage } from './screener-protocol'
import { tellingOf } from './telling'

const DECISION = { decisionId: 'd-1' } as RecordedDecision
const FOLD = {
  step: { nextSequence: 8, statusCounts: { screened: 7 }, verdictCounts: { allow: 6, hold: 1 }, dedupeUncheckedCount: 0 },
} as unknown as JournalFold

function batch(inputCount: number): SealedBatch {
  return { inputCount, head: { revision: 3 }, decisions: [DECISION] } as unknown as SealedBatch
}

test.each([
  ['assignments', []],
  [
    'progress',
    [
      { kind: 'batch', partition: 2, inputs: 7, revision: 3, decisions: [] },
      { kind: 'idle', nextOffsets: [5] },
    ],
  ],
  [
    'decisions',
    [
      { kind: 'batch', decisions: [DECISION] },
      { kind: 'idle', partition: 2 },
    ],
  ],
] as const)('who is told %s hears no more and no less', (tells, expected) => {
  const heard: ScreenerMessage[] = []
  let progress = 0
  const { onBatch, onIdle } = tellingOf({ partition: 2, tells, post: (message) => heard.push(message), onProgress: () => progress++ })
  onBatch(batch(7), FOLD)
  onIdle([5])
  expect(heard).toMatchObject(expected)
  expect(heard).toHaveLength(expected.length)
  expect(progress).toBe(1)
})

test('a batch without inputs is no progress', () => {
  let progress = 0
  tellingOf({ partition: 0, tells: 'progress', post: () => undefined, onProgress: () => progress++ }).onBatch(batch(0), FOLD)
  expect(progress).toBe(0)
})
