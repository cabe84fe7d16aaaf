import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { deliveryOf, type Receipt, type Transport } from './delivery'
import { DeliveryQueue } from './delivery-queue'
import { publisherOver, type Publisher } from './publisher'
import { SourceSequence, type SequenceStore } from './source-sequence'
import type { EventDraft } from './stamp-event'

const { eventId: _id, source: _source, ...PAYMENT } = MINIMAL_EVENTS.payments
const DRAFT: EventDraft<'payments'> = PAYMENT
const RECEIPT: Receipt = { topic: 'payments', partition: 0, offset: 7 }

/** A store that calls what it is told for each save. */
class FakeStore implements SequenceStore {
  readonly saved: number[] = []
  readonly answers: (() => Promise<void>)[] = []
  readonly load = (): Promise<null> => Promise.resolve(null)

  async save(_source: string, sequence: number): Promise<void> {
    await this.answers.shift()?.()
    this.saved.push(sequence)
  }
}

interface Bench {
  readonly publisher: Publisher
  readonly store: FakeStore
  readonly warnings: unknown[]
  readonly transport: { closed: number }
}

async function benchOf(send: Transport['send'] = (batch) => Promise.resolve(batch.map(() => RECEIPT))): Promise<Bench> {
  const store = new FakeStore()
  const warnings: unknown[] = []
  const transport = { send, closed: 0, close: () => Promise.resolve(void transport.closed++) }
  const logger = { warn: (message: string, fields?: object) => warnings.push({ message, ...fields }) }
  const sequence = await SourceSequence.open('shop', store, { logger })
  const queue = new DeliveryQueue(transport, deliveryOf({ lingerMs: 0 }))
  return { publisher: publisherOver(queue, { sequence, stamp: { source: 'shop', nowMs: Date.now } }), store, warnings, transport }
}

const diskFull = (): Promise<void> => Promise.reject(new Error('disk full'))

test('a store that fails hides no receipt: it is warned of, and the number goes along with the next', async () => {
  const { publisher, store, warnings } = await benchOf()
  store.answers.push(diskFull)
  expect(await publisher.payments.publish(DRAFT)).toEqual(RECEIPT)
  expect(warnings).toEqual([{ message: expect.stringContaining('shop'), source: 'shop', sequence: 1, saved: 0, reason: 'disk full' }])
  expect(await publisher.payments.publish(DRAFT)).toEqual(RECEIPT)
  expect(store.saved).toEqual([2])
  await publisher.close()
})

test('a store that fails hides no refusal', async () => {
  const { publisher, store } = await benchOf(() => Promise.reject(new Error('no way there')))
  store.answers.push(diskFull)
  await expect(publisher.payments.publish(DRAFT)).rejects.toThrow('no way there')
})

test('flush tries again what could not be saved', async () => {
  const { publisher, store } = await benchOf()
  store.answers.push(diskFull)
  await publisher.payments.publish(DRAFT)
  await publisher.flush()
  expect(store.saved).toEqual([1])
})

test.each(['flush', 'close'] as const)('%s says where the last number could still not be saved', async (leave) => {
  const { publisher, store, transport } = await benchOf()
  store.answers.push(diskFull, diskFull)
  const receipt = publisher.payments.publish(DRAFT)
  await expect(publisher[leave]()).rejects.toMatchObject({
    code: 'ledger-unavailable',
    retriable: true,
    message: expect.stringContaining('disk full'),
    context: { source: 'shop', sequence: 1, saved: 0 },
  })
  expect(await receipt).toEqual(RECEIPT)
  expect(transport.closed).toBe(leave === 'close' ? 1 : 0)
  await publisher.flush()
  expect(store.saved).toEqual([1])
})

test.each(['flush', 'close'] as const)('%s waits for the number that is being saved', async (leave) => {
  const { publisher, store } = await benchOf()
  let release: () => void = () => undefined
  const saving = new Promise<void>((begun) => {
    store.answers.push(() => {
      begun()
      return new Promise((resolve) => (release = resolve))
    })
  })
  const receipt = publisher.payments.publish(DRAFT)
  const left = publisher[leave]().then(() => store.saved)
  await saving
  // What would be done without waiting for the store is done by the next turn of the loop.
  await new Promise((resolve) => setImmediate(resolve))
  const savedOnLeaving = await Promise.race([left, new Promise((resolve) => setImmediate(() => resolve('waits')))])
  expect(savedOnLeaving).toBe('waits')
  release()
  expect(await left).toEqual([1])
  expect(await receipt).toEqual(RECEIPT)
})
