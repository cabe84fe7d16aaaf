import type { Loop } from '@riskledger/runtime'
import { tellReadiness } from './tell-readiness'

const failing = { part: 'commit', sinceMs: 1_000, reason: 'the broker does not answer' } as const
const twoLoops = (second: Loop['retrying']): Map<number, Pick<Loop, 'retrying'>> =>
  new Map([
    [0, { retrying: null }],
    [1, { retrying: second }],
  ])

test('ready is who has every partition at work', () => {
  expect(tellReadiness({ loops: twoLoops(null), partitionCount: 2, nowMs: 0 })).toBe('publishes 2 partitions')
  expect(() => tellReadiness({ loops: twoLoops(null), partitionCount: 3, nowMs: 0 })).toThrow('2 of 3 partitions are at work yet')
})

test('nobody is ready who has tried in vain for more than ten seconds', () => {
  const loops = twoLoops(failing)
  expect(tellReadiness({ loops, partitionCount: 2, nowMs: 11_000 })).toBe('publishes 2 partitions')
  expect(() => tellReadiness({ loops, partitionCount: 2, nowMs: 11_001 })).toThrow(
    'partition 1: commit has failed for 10 s: the broker does not answer',
  )
})
