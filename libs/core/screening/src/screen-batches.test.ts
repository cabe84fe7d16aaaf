import { randomFillSync } from 'node:crypto'
import type { LogRecord } from '@riskledger/contracts'
import { decodeInputsScreened } from '@riskledger/journal'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { map } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { screenBatches, type InputBatch } from './screen-batches'
import { liveRecord, MadeJournal, policyWith } from './testing/made-journal'
import { mergeItem } from './topic-merge'

const LIMIT_BYTES = 1_048_576

function payment(id: number): LogRecord {
  const eventId = `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
  return liveRecord('payments', { ...MINIMAL_EVENTS.payments, eventId, paymentId: `p-${id}` }, id)
}

/** Bytes that no deflating makes smaller, as large as a record may be. */
function noise(offset: number): LogRecord {
  const value = randomFillSync(new Uint8Array(65_536))
  return { topic: 'payments', partition: 0, offset, brokerTimeMs: 1_778_697_618_000, orderTimeMs: undefined, key: null, value }
}

function batchOf(records: readonly LogRecord[]): InputBatch {
  return { items: records.map((record) => mergeItem(record)), gaps: [], tickMs: 1_778_697_620_000 }
}

/**
 * ```
 * in    -a--b--|       a: two inputs, b: none
 * out   -x--y--|
 * ```
 */
test('each batch comes out at once, sealed; one without inputs too; an error of the source passes through', () => {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
    const sealed = (marbles: string) => {
      const { stage } = new MadeJournal({ policy: policyWith() })
      const source = cold(marbles, { a: batchOf([payment(0), payment(1)]), b: batchOf([]) })
      return source.pipe(
        screenBatches(stage),
        map(({ firstSequence, inputCount, entries }) => ({ firstSequence, inputCount, type: entries[0].type })),
      )
    }
    expectObservable(sealed('-a--b--|')).toBe('-x--y--|', {
      x: { firstSequence: 1, inputCount: 2, type: 'InputsScreened' },
      y: { firstSequence: 3, inputCount: 0, type: 'InputsScreened' },
    })
    expectObservable(sealed('-#')).toBe('-#')
  })
})

test('an append stays under the limit, with bodies as large as they may be and a decision for every input', () => {
  const bodies = Array.from({ length: 40 }, (_, offset) => noise(offset))
  const everyone = policyWith([
    [/ratePpm: 500/, 'ratePpm: 1000000'],
    [/maxScorePoints: 200/, 'maxScorePoints: 299'],
  ])
  const decided = Array.from({ length: 4_000 }, (_, offset) => payment(offset))
  for (const records of [bodies, decided, [...decided.slice(0, 900), ...bodies.map((one, index) => ({ ...one, offset: 900 + index }))]]) {
    const journal = new MadeJournal({ policy: everyone, draw: () => Buffer.from('0000') })
    const appends: number[] = []
    let inputs = 0
    const batches = cut(records, 4_096)
    for (const batch of batches) {
      const from = journal.recorded.length
      journal.screen(batchOf(batch))
      let bytes = 0
      for (const entry of journal.recorded.slice(from)) {
        if (entry.type === 'InputsScreened') {
          appends.push(bytes)
          bytes = 0
          inputs += decodeInputsScreened(journal.entries[entry.revision].data).forEachInput(() => undefined)
        }
        bytes += entry.data.length + entry.metadata.length + entry.type.length
      }
      appends.push(bytes)
    }
    expect(Math.max(...appends)).toBeLessThan(LIMIT_BYTES)
    expect(Math.max(...appends)).toBeGreaterThan(LIMIT_BYTES / 4)
    expect(inputs).toBe(records.length)
    expect(journal.fold().firstMismatch).toBeNull()
  }
})

function cut<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))
}

test('positions and gaps say what was consumed', () => {
  const journal = new MadeJournal({ policy: policyWith() })
  journal.screen({
    items: [mergeItem(payment(0))],
    gaps: [{ topic: 0, fromOffset: 1, toOffset: 4, reason: 'transaction-marker' }],
    tickMs: 5,
  })
  const batch = decodeInputsScreened(journal.entries.find(({ type }) => type === 'InputsScreened')!.data)
  expect(batch.positions).toEqual([{ topic: 0, fromOffset: 0, toOffset: 4 }])
  expect(batch.gaps).toEqual([{ topic: 0, fromOffset: 1, toOffset: 4, reason: 'transaction-marker' }])
  expect(journal.fold().nextOffsets[0]).toBe(4)
})

test('each entry has the gaps that its own positions pass, and the last one the rest', () => {
  const journal = new MadeJournal({ policy: policyWith() })
  const records = Array.from({ length: 4_000 }, (_, index) => payment(index < 10 ? index : index + 5))
  const gaps = [
    { topic: 0, fromOffset: 10, toOffset: 15, reason: 'transaction-marker' },
    { topic: 0, fromOffset: 4_005, toOffset: 4_006, reason: 'transaction-marker' },
    { topic: 1, fromOffset: 0, toOffset: 2, reason: 'aborted' },
  ]
  journal.screen({ items: records.map((record) => mergeItem(record)), gaps, tickMs: 5 })
  const batches = journal.entries.filter(({ type }) => type === 'InputsScreened').map(({ data }) => decodeInputsScreened(data))
  expect(batches.length).toBeGreaterThan(1)
  expect(batches[0].gaps).toEqual([gaps[0]])
  expect(batches.at(-1)!.gaps).toEqual(gaps.slice(1))
  for (const batch of batches) {
    const lengthOf = (ranges: typeof batch.positions): number => ranges.reduce((sum, at) => sum + at.toOffset - at.fromOffset, 0)
    expect(lengthOf(batch.positions)).toBe(batch.forEachInput(() => undefined) + lengthOf(batch.gaps))
  }
})
