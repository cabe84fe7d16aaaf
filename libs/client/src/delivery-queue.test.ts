import { RiskError } from '@riskledger/contracts'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { deliveryOf, type DeliveryOptions, type Outgoing, type Receipt, type Transport } from './delivery'
import { DeliveryQueue } from './delivery-queue'

/** An event of a number, of 100 bytes. */
function outgoing(id: number): Outgoing {
  const event = { ...MINIMAL_EVENTS.payments, traceId: String(id) } as unknown as Outgoing['event']
  return { topic: 'payments', event, bytes: 100 }
}

/** A transport that notes what it is given and answers as told; without a word it takes everything. */
class FakeTransport implements Transport {
  readonly batches: (readonly number[])[] = []
  readonly answers: ((batch: readonly Outgoing[]) => Promise<readonly (Receipt | RiskError | null)[]>)[] = []
  closed = 0
  private offset = 0

  send(batch: readonly Outgoing[]): Promise<readonly (Receipt | RiskError | null)[]> {
    this.batches.push(batch.map(({ event }) => Number(event.traceId)))
    return (this.answers.shift() ?? ((all) => this.take(all)))(batch)
  }

  take(batch: readonly Outgoing[]): Promise<readonly Receipt[]> {
    return Promise.resolve(batch.map(({ topic }) => ({ topic, partition: 0, offset: this.offset++ })))
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

function queueOf(options: DeliveryOptions = {}): { readonly queue: DeliveryQueue; readonly transport: FakeTransport } {
  const transport = new FakeTransport()
  return { queue: new DeliveryQueue(transport, deliveryOf({ lingerMs: 1, retryMs: 1, ...options })), transport }
}

const BUSY = new RiskError('limit-reached', 'too much', { retriable: true })

test('events that come together go together, in order, and each gets its own receipt', async () => {
  const { queue, transport } = queueOf()
  const receipts = await Promise.all([1, 2, 3].map((id) => queue.deliver(outgoing(id))))
  expect(transport.batches).toEqual([[1, 2, 3]])
  expect(receipts.map(({ offset }) => offset)).toEqual([0, 1, 2])
})

test('a batch goes at its count, at its bytes, or after lingering', async () => {
  const byCount = queueOf({ batchEvents: 2, lingerMs: 60_000 })
  await Promise.all([1, 2].map((id) => byCount.queue.deliver(outgoing(id))))
  const byBytes = queueOf({ batchBytes: 250, lingerMs: 60_000 })
  await Promise.all([1, 2, 3].map((id) => byBytes.queue.deliver(outgoing(id))))
  expect(byBytes.transport.batches).toEqual([[1, 2], [3]])
  const byTime = queueOf({ lingerMs: 1 })
  await byTime.queue.deliver(outgoing(1))
})

test('flush sends at once what lingers, and waits for it', async () => {
  const { queue, transport } = queueOf({ lingerMs: 60_000 })
  const delivered = queue.deliver(outgoing(1))
  await queue.flush()
  expect(transport.batches).toEqual([[1]])
  await delivered
  await queue.flush()
})

test('what fails retriably is sent again unchanged, before anything that came later', async () => {
  const { queue, transport } = queueOf({ batchEvents: 1 })
  transport.answers.push(
    () => Promise.reject(BUSY),
    () => Promise.reject(BUSY),
  )
  await Promise.all([1, 2].map((id) => queue.deliver(outgoing(id))))
  expect(transport.batches).toEqual([[1], [1], [1], [2]])
})

test('a wait that is asked for is kept', async () => {
  const { queue, transport } = queueOf()
  transport.answers.push(() => Promise.reject(new RiskError('limit-reached', 'later', { retriable: true, context: { retryAfterMs: 40 } })))
  const startedAtMs = performance.now()
  await queue.deliver(outgoing(1))
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(39)
})

test.each([3_600_000, 1e12])('a wait of %d ms that is asked for keeps no event beyond its time', async (retryAfterMs) => {
  const { queue, transport } = queueOf({ deliveryTimeoutMs: 30 })
  const later = new RiskError('limit-reached', 'later', { retriable: true, context: { retryAfterMs } })
  transport.answers.push(() => Promise.reject(later))
  await expect(queue.deliver(outgoing(1))).rejects.toMatchObject({ code: 'limit-reached', retriable: true, context: { retryAfterMs } })
  expect(transport.batches).toEqual([[1]])
  await queue.flush()
  await queue.deliver(outgoing(2))
  expect(transport.batches).toEqual([[1], [2]])
})

test('one event that is refused for good does not hold up the others', async () => {
  const { queue, transport } = queueOf()
  const refused = new RiskError('input-rejected', 'no', { retriable: false })
  transport.answers.push(() => Promise.resolve([null, refused, null]))
  const results = await Promise.allSettled([1, 2, 3].map((id) => queue.deliver(outgoing(id))))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(transport.batches).toEqual([
    [1, 2, 3],
    [1, 3],
  ])
})

test('what cannot be retried ends the batch', async () => {
  const { queue, transport } = queueOf()
  transport.answers.push(() => Promise.reject(new RiskError('configuration-invalid', 'wrong key', { retriable: false })))
  await expect(queue.deliver(outgoing(1))).rejects.toMatchObject({ code: 'configuration-invalid' })
  expect(transport.batches).toHaveLength(1)
})

test('an event is given up once its time is over, and may be sent again', async () => {
  const { queue, transport } = queueOf({ deliveryTimeoutMs: 1, retryMs: 5 })
  for (let i = 0; i < 10; i++) transport.answers.push(() => Promise.reject(BUSY))
  await expect(queue.deliver(outgoing(1))).rejects.toMatchObject({
    code: 'limit-reached',
    retriable: true,
    message: expect.stringContaining('too much'),
  })
})

test('says when it is full, by count and by bytes', async () => {
  const byCount = queueOf({ maxQueuedEvents: 2, lingerMs: 60_000 })
  const byBytes = queueOf({ maxQueuedBytes: 150, lingerMs: 60_000 })
  const delivered = [byCount, byBytes].map(({ queue }) => queue.deliver(outgoing(1)))
  expect(byCount.queue.refuses(100)).toBe(false)
  expect(byBytes.queue.refuses(50)).toBe(false)
  expect(byBytes.queue.refuses(51)).toBe(true)
  delivered.push(byCount.queue.deliver(outgoing(2)))
  expect(byCount.queue.refuses(100)).toBe(true)
  await Promise.all([byCount.queue.close(), byBytes.queue.close(), ...delivered])
  expect(byCount.queue.refuses(100)).toBe(false)
  expect(byCount.transport.closed).toBe(1)
})

test.each([
  ['batchEvents', 1_001],
  ['batchEvents', 0],
  ['lingerMs', -1],
  ['retryMs', 1.5],
])('%s of %d is refused', (name, value) => {
  expect(() => deliveryOf({ [name]: value })).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
})
