import { encodeRaw } from '@riskledger/events'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import { MAX_BLOCK, RelationsState } from '@riskledger/relations'
import { HOUR, NOON, payment } from '@riskledger/relations/src/testing/events'
import { InputBlock } from './input-block'
import { emptyQueuedInput, type QueuedInput } from './input-columns'

const paid = Array.from({ length: 3 * MAX_BLOCK + 5 }, (_, i) =>
  // Every fifth is an hour late: stream time does not go back for it.
  payment(NOON + (i % 5 === 0 ? i - 1 : i) * HOUR, { accountId: `a${i % 9}`, counterpartyId: `t${i % 7}` }),
)

/** The payment as it lies in a journal entry, with other bytes around it. */
function queued(i: number): QueuedInput {
  const record = encodeRaw('payments', paid[i])
  const data = new Uint8Array(record.length + 4)
  data.set(record, 2)
  return { ...emptyQueuedInput(), source: { stream: 's', revision: 0, data }, from: 2, length: record.length, status: 'screened' }
}

test('inputs are folded in their order, block by block, and what is left over at the end when it is told to', () => {
  const state = new RelationsState()
  const block = new InputBlock(state)
  const simple = new RelationsState()
  let streamTimeMs = 0
  for (const [i, event] of paid.entries()) {
    expect(block.add('payments', queued(i))).toBe(true)
    expect(state.queue.size).toBe(i + 1 - ((i + 1) % MAX_BLOCK))
    streamTimeMs = Math.max(streamTimeMs, event.eventTimeMs)
    simple.advance(streamTimeMs)
    simple.observe({ topic: 'payments', event: viewOf('payments', event), status: 'screened', habitDistanceCenti: null, streamTimeMs })
  }
  block.fold()
  expect(state.queue.size).toBe(paid.length)
  expect(state.canonicalHash(streamTimeMs)).toEqual(simple.canonicalHash(streamTimeMs))
  block.fold()
  expect(state.queue.size).toBe(paid.length)
})

test('an input that cannot be decoded is refused, and takes no place in the block', () => {
  const state = new RelationsState()
  const block = new InputBlock(state)
  expect(block.add('logins', queued(0))).toBe(false)
  expect(block.add('payments', { ...queued(0), length: 20 })).toBe(false)
  expect(block.add('payments', queued(0))).toBe(true)
  block.fold()
  expect(state.queue.size).toBe(1)
})
