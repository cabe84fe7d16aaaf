import type { EventLog, RawTopic } from '@riskledger/contracts'
import { FETCH } from './fetch-protocol'
import { IdempotentProducer } from './idempotent-producer'
import { NO_LOGGER } from './kafka-connection'
import { KafkaLogView } from './kafka-log-view'
import { KafkaReader, type ReaderLimits } from './kafka-reader'
import { FakeWire, type Answerer } from './testing/fake-wire'
import { askedIn, fetchAnswer, offsetAnswer } from './testing/fetch-answer'
import { storedBatch } from './testing/stored-batch'

const forever = new Promise<never>(() => undefined)
const closing: KafkaReader[] = []
afterEach(() => {
  for (const reader of closing.splice(0)) reader.close()
})

/** A reader whose requests are answered by the test; what waits at the broker waits for good. */
function reading(
  answer: Answerer,
  limits: Partial<ReaderLimits> = {},
): { readonly wire: FakeWire; readonly log: EventLog; readonly reader: KafkaReader; readonly view: () => EventLog } {
  const wire = new FakeWire((request, node) => (request.lane === 'waiting' ? forever : answer(request, node)))
  const options = {
    limits: { maxWaitMs: 100, maxBytesPerPartition: 1_000, maxBytes: 4_000, unavailableAfterMs: 30_000, ...limits },
    logger: NO_LOGGER,
    monotonicMs: () => performance.now(),
  }
  const reader = new KafkaReader(wire, options)
  closing.push(reader)
  const producer = new IdempotentProducer(wire, options)
  const topics = ['payments', 'logins'] as const
  const view = (): EventLog => new KafkaLogView({ ...options, reader, producer, framing: null, prefix: '', topics, partitionCount: 1 })
  return { wire, reader, log: view(), view }
}
const at = (topic: RawTopic, fromOffset: number) => ({ topic, partition: 0, fromOffset, maxRecords: 100, maxBytes: 10_000 })

test('a partition is asked for at once until its end is known, then waits at the broker, and another need not wait for that', async () => {
  const { wire, log } = reading((request) => {
    const { offsets } = askedIn(request)
    return Promise.resolve(fetchAnswer(Object.fromEntries(Object.entries(offsets).map(([topic, end]) => [topic, { end }]))))
  })
  expect(await log.fetch(at('payments', 5))).toEqual({ records: [], gaps: [], nextOffset: 5, highWatermark: 5 })
  expect(await log.fetch(at('logins', 7))).toEqual({ records: [], gaps: [], nextOffset: 7, highWatermark: 7 })
  const asked = wire.requests.map((request) => ({ lane: request.lane, ...askedIn(request) }))
  expect(asked).toEqual([
    { lane: 'prompt', maxWaitMs: 0, offsets: { 'raw.payments': 5 } },
    { lane: 'waiting', maxWaitMs: 100, offsets: { 'raw.payments': 5 } },
    { lane: 'prompt', maxWaitMs: 0, offsets: { 'raw.logins': 7 } },
  ])
  // While the broker waits there is nothing: no further question is needed.
  expect((await log.fetch(at('payments', 5))).records).toEqual([])
  expect(wire.requests).toHaveLength(3)
})

test('what came is kept to its bound, and more is asked for once it was taken', async () => {
  const batch = (baseOffset: number): Buffer => storedBatch({ baseOffset, values: ['x'.repeat(600), 'y'.repeat(600)] })
  const { wire, log } = reading((request) => {
    const { offsets } = askedIn(request)
    const baseOffset = offsets['raw.payments']
    return Promise.resolve(fetchAnswer({ 'raw.payments': { end: 100, batches: batch(baseOffset) } }))
  })
  const first = await log.fetch({ ...at('payments', 0), maxRecords: 1 })
  expect(first).toMatchObject({ nextOffset: 1, highWatermark: 100 })
  expect(wire.requests).toHaveLength(1)
  expect((await log.fetch(at('payments', 1))).nextOffset).toBe(2)
  expect(wire.requests.map((request) => askedIn(request).offsets['raw.payments'])).toEqual([0, 2])
})

test('a leader that moved, a connection that was cut and an answer that leaves it out are asked again, from new metadata', async () => {
  const outcomes: (() => Promise<Buffer>)[] = [
    () => Promise.resolve(fetchAnswer({ 'raw.payments': { errorCode: 6 } })),
    () => Promise.reject(new Error('cut')),
    () => Promise.resolve(fetchAnswer({})),
  ]
  const { wire, log } = reading(() => {
    const outcome = outcomes.shift()
    return outcome === undefined
      ? Promise.resolve(fetchAnswer({ 'raw.payments': { end: 1, batches: storedBatch({ baseOffset: 0, values: ['a'] }) } }))
      : outcome()
  })
  expect((await log.fetch(at('payments', 0))).records).toHaveLength(1)
  expect(wire.requests.length).toBeGreaterThanOrEqual(4)
  expect(wire.refreshes).toBeGreaterThan(0)
})

test('a partition that nobody leads, or that fails for long, is unavailable, and may be tried again', async () => {
  const { wire, log } = reading(() => Promise.reject(new Error('cut')), { unavailableAfterMs: 60 })
  await expect(log.fetch(at('payments', 0))).rejects.toMatchObject({ code: 'log-unavailable', retriable: true, cause: { message: 'cut' } })
  await expect(log.range('payments', 0)).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  wire.leader = undefined
  const sent = wire.requests.length
  const other = reading(() => Promise.reject(new Error('cut')), { unavailableAfterMs: 60 })
  other.wire.leader = undefined
  await expect(other.log.fetch(at('payments', 0))).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  expect(other.wire.requests).toHaveLength(0)
  expect(sent).toBeGreaterThan(0)
})

test('access that is refused is no matter of time', async () => {
  const { log } = reading(() => Promise.resolve(fetchAnswer({ 'raw.payments': { errorCode: 29 } })))
  await expect(log.fetch(at('payments', 0))).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: false,
    context: { error: 'TOPIC_AUTHORIZATION_FAILED' },
  })
})

test('out of range is told with the range, but a leader that only knew less for a moment is asked again', async () => {
  let start = 0
  let refusals = 1
  const { log } = reading((request) => {
    if (request.apiName !== FETCH.apiName)
      return Promise.resolve(
        offsetAnswer('raw.payments', Buffer.from(request.body).includes(Buffer.alloc(7, 0xff)) && request.body.at(-1) === 0xfe ? start : 9),
      )
    return Promise.resolve(refusals-- > 0 ? fetchAnswer({ 'raw.payments': { errorCode: 1 } }) : fetchAnswer({ 'raw.payments': { end: 5 } }))
  })
  expect((await log.fetch(at('payments', 5))).nextOffset).toBe(5)
  start = 6
  refusals = 1
  await expect(log.fetch(at('payments', 4))).rejects.toMatchObject({
    code: 'offset-out-of-range',
    retriable: false,
    context: { topic: 'payments', partition: 0, offset: 4, start: 6, end: 9 },
  })
})

test('an answer that was asked for before a seek is void', async () => {
  const held: ((answer: Buffer) => void)[] = []
  const { log, wire } = reading(() => new Promise((resolve) => held.push(resolve)))
  const answerNext = async (baseOffset: number, value: string): Promise<void> => {
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
    held.shift()!(fetchAnswer({ 'raw.payments': { end: 9, batches: storedBatch({ baseOffset, values: [value] }) } }))
  }
  const first = log.fetch(at('payments', 0))
  await answerNext(0, 'a')
  expect((await first).nextOffset).toBe(1)
  // More is being fetched ahead while the reader goes elsewhere.
  const elsewhere = log.fetch(at('payments', 7))
  await answerNext(1, 'b')
  await answerNext(7, 'h')
  expect((await elsewhere).records.map(({ offset }) => offset)).toEqual([7])
  expect(wire.requests.slice(0, 3).map((request) => askedIn(request).offsets['raw.payments'])).toEqual([0, 1, 7])
})

test('closing ends whoever waits', async () => {
  const { log, reader } = reading(() => forever)
  const waiting = log.fetch(at('payments', 0))
  reader.close()
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  await expect(log.fetch(at('payments', 0))).rejects.toMatchObject({ code: 'cancelled' })
})

test('a partition is read by one view at a time, and by another once that is closed', async () => {
  const { log, view } = reading((request) => {
    const { offsets } = askedIn(request)
    return Promise.resolve(fetchAnswer(Object.fromEntries(Object.entries(offsets).map(([topic, end]) => [topic, { end }]))))
  })
  await log.fetch(at('payments', 5))
  const other = view()
  await expect(other.fetch(at('payments', 5))).rejects.toThrow('payments, partition 0, is read by another view of the log')
  expect((await other.fetch(at('logins', 7))).nextOffset).toBe(7)
  expect((await log.fetch(at('payments', 5))).nextOffset).toBe(5)
  await log.close()
  expect((await other.fetch(at('payments', 5))).nextOffset).toBe(5)
})
