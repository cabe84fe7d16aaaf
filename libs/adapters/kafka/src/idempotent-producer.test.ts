import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { IdempotentProducer } from './idempotent-producer'
import { monotonicMs } from './monotonic-ms'
import type { ProducerLimits } from './producer-limits'
import { NO_LOGGER } from './kafka-connection'
import { readBatchHeader } from './record-batch'
import { batchIn, FakeWire, type Answerer } from './testing/fake-wire'

const NOT_LEADER = 6
const TIMED_OUT = 7
const TOO_LARGE = 10
const OUT_OF_ORDER = 45

function answered(errorCode: number, baseOffset: number): Buffer {
  const writer = new ByteWriter()
  writer.int32(1)
  writer.string('t')
  writer.int32(1)
  writer.int32(0)
  writer.int16(errorCode)
  writer.int64(baseOffset)
  writer.int64(-1)
  writer.int64(0)
  return Buffer.from(writer.view())
}

function producing(
  answer: Answerer,
  limits: Partial<ProducerLimits> = {},
  clock: () => number = monotonicMs,
): { readonly wire: FakeWire; readonly producer: IdempotentProducer } {
  const wire = new FakeWire(answer)
  return { wire, producer: new IdempotentProducer(wire, { ...limits, logger: NO_LOGGER, monotonicMs: clock }) }
}
const records = (...values: string[]) =>
  values.map((value) => ({ topic: 't', partition: 0, timeMs: 1, key: null, value: Buffer.from(value) }))
/** Who numbered a batch, and its first number. */
const stampOf = (batch: Buffer): { readonly producerId: number; readonly baseSequence: number; readonly count: number } => ({
  producerId: Number(batch.readBigInt64BE(43)),
  baseSequence: batch.readInt32BE(53),
  count: readBatchHeader(batch, 0)!.count,
})

/** Answers in turn; an error rejects, a number is an error code, and null is success. */
function inTurn(outcomes: readonly (Error | number | null)[]): Answerer {
  let offset = 0
  let turn = 0
  return (request) => {
    const outcome = outcomes[turn++] ?? null
    if (outcome instanceof Error) return Promise.reject(outcome)
    if (outcome !== null) return Promise.resolve(answered(outcome, -1))
    const baseOffset = offset
    offset += stampOf(batchIn(request)).count
    return Promise.resolve(answered(0, baseOffset))
  }
}

test('a batch that was not acknowledged is sent again byte for byte, and the next goes on numbering', async () => {
  const { wire, producer } = producing(inTurn([new Error('cut'), NOT_LEADER, TIMED_OUT]))
  expect(await producer.send(records('a', 'b'))).toEqual([0, 1])
  expect(await producer.send(records('c'))).toEqual([2])
  const batches = wire.requests.map((request) => batchIn(request))
  expect(batches).toHaveLength(5)
  for (const batch of batches.slice(1, 4)) expect(batch.equals(batches[0])).toBe(true)
  expect(stampOf(batches[4])).toEqual({ producerId: 1, baseSequence: 2, count: 1 })
  expect(wire.refreshes).toBeGreaterThan(0)
  await producer.close()
})

test('calls of one turn share a request', async () => {
  const { wire, producer } = producing(inTurn([]))
  await producer.prepare()
  await Promise.all(['a', 'b', 'c'].map((value) => producer.send(records(value))))
  expect(wire.requests).toHaveLength(1)
  await producer.close()
})

test('calls in flight at once share batches, in their order, one batch of a partition on its way at a time', async () => {
  let inFlight = 0
  const answer = inTurn([])
  const { wire, producer } = producing(async (request, node) => {
    expect(++inFlight).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    inFlight--
    return answer(request, node)
  })
  const sent: Promise<readonly number[]>[] = []
  for (let i = 0; i < 30; i++) {
    sent.push(producer.send(records(String(i))))
    if (i % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await Promise.all(sent)).flat()).toEqual(Array.from({ length: 30 }, (_, i) => i))
  expect(wire.requests.length).toBeGreaterThan(1)
  expect(wire.requests.length).toBeLessThan(5)
  await producer.close()
})

test('batches close at their size', async () => {
  const { wire, producer } = producing(inTurn([]), { maxBatchBytes: 200 })
  await producer.send(records(...Array.from({ length: 10 }, () => 'x'.repeat(50))))
  expect(wire.requests.map((request) => stampOf(batchIn(request)).count)).toEqual([2, 2, 2, 2, 2])
  await producer.close()
})

test('after a batch whose fate is not known the partition goes on under another id: no number is used twice', async () => {
  let nowMs = 0
  let answer: Answerer = () => Promise.reject(new Error('cut'))
  const wire = new FakeWire((request, node) => answer(request, node))
  const producer = new IdempotentProducer(wire, { deliveryTimeoutMs: 100, logger: NO_LOGGER, monotonicMs: () => (nowMs += 40) })
  await expect(producer.send(records('a'))).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  answer = inTurn([])
  await producer.send(records('b'))
  expect(stampOf(batchIn(wire.requests.at(-1)!))).toEqual({ producerId: 2, baseSequence: 0, count: 1 })
  await producer.close()
})

test('a cluster that gives no producer id for longer than a delivery may take refuses what waits, and goes on once it does', async () => {
  let nowMs = 0
  const wire = new FakeWire(inTurn([]))
  const producer = new IdempotentProducer(wire, { deliveryTimeoutMs: 100, logger: NO_LOGGER, monotonicMs: () => (nowMs += 40) })
  wire.noProducer = new Error('the coordinator is away')
  await expect(producer.send(records('a'))).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  wire.noProducer = null
  expect(await producer.send(records('b'))).toEqual([0])
  await producer.close()
})

test('where a user is refused meanwhile, what could not be sent says so', async () => {
  let nowMs = 0
  const refused = Object.assign(new Error('Authentication failed'), { type: 'SASL_AUTHENTICATION_FAILED' })
  const wire = new FakeWire(() => Promise.reject(refused))
  const producer = new IdempotentProducer(wire, { deliveryTimeoutMs: 100, logger: NO_LOGGER, monotonicMs: () => (nowMs += 40) })
  await expect(producer.send(records('a'))).rejects.toMatchObject({ message: expect.stringContaining('RISKLEDGER_KAFKA_PASSWORD') })
  await producer.close()
})

test('a broker that has lost the numbering gets a batch under another number, if it surely has not written it', async () => {
  const { wire, producer } = producing(inTurn([OUT_OF_ORDER]))
  expect(await producer.send(records('a'))).toEqual([0])
  expect(wire.requests.map((request) => stampOf(batchIn(request)).producerId)).toEqual([1, 2])
  await producer.close()

  const doubtful = producing(inTurn([new Error('cut'), OUT_OF_ORDER]))
  await expect(doubtful.producer.send(records('a'))).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  expect(doubtful.wire.requests).toHaveLength(2)
  await doubtful.producer.close()
})

test('what is too large is refused by name, here or by the broker, and what follows goes on', async () => {
  const { wire, producer } = producing(inTurn([TOO_LARGE]), { maxRecordBytes: 10 })
  await expect(producer.send(records('x'.repeat(11)))).rejects.toMatchObject({
    code: 'record-too-large',
    retriable: false,
    context: { bytes: 11 },
  })
  expect(wire.requests).toHaveLength(0)
  await expect(producer.send(records('x'))).rejects.toMatchObject({ code: 'record-too-large', retriable: false, context: { records: 1 } })
  expect(await producer.send(records('y'))).toEqual([0])
  await producer.close()
})

test('a refusal that is no matter of time ends at once', async () => {
  const { wire, producer } = producing(inTurn([29]))
  await expect(producer.send(records('x'))).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: false,
    context: { error: 'TOPIC_AUTHORIZATION_FAILED' },
  })
  expect(wire.requests).toHaveLength(1)
  await producer.close()
})

test('more than may wait is refused, and what waits is not', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const answer = inTurn([])
  const { producer } = producing((request, node) => held.then(() => answer(request, node)), { maxPendingBytes: 100 })
  const first = producer.send(records('x'.repeat(150)))
  await expect(producer.send(records('y'))).rejects.toMatchObject({ code: 'limit-reached', retriable: true })
  release()
  expect(await first).toEqual([0])
  expect(await producer.send(records('z'))).toEqual([1])
  await producer.close()
})

test('closing waits for what is on its way and takes nothing more', async () => {
  const { producer } = producing(inTurn([new Error('cut')]))
  const sent = producer.send(records('a'))
  const closed = producer.close()
  await expect(producer.send(records('b'))).rejects.toMatchObject({ code: 'cancelled' })
  await closed
  expect(await sent).toEqual([0])
  expect(await producer.send([]).catch((error: { code: string }) => error.code)).toBe('cancelled')
})

test('all batches of a partition that are overdue fail at once and in order, and what is younger goes on under another number', async () => {
  let nowMs = 1_000
  const attempts: (Error | null)[] = [new Error('cut')]
  const answer = inTurn(attempts)
  const { wire, producer } = producing(
    (request, node) => {
      nowMs = 1_300
      return answer(request, node)
    },
    { maxBatchBytes: 10, deliveryTimeoutMs: 300 },
    () => nowMs,
  )
  const settled: string[] = []
  const send = (name: string): Promise<void> =>
    producer.send(records(name.repeat(10))).then(
      (offsets) => void settled.push(`${name} at ${offsets.join()}`),
      (error: { readonly code: string }) => void settled.push(`${name} ${error.code}`),
    )
  const calls = ['a', 'b', 'c'].map(send)
  nowMs = 1_001
  calls.push(send('d'))
  await Promise.all(calls)
  expect(settled).toEqual(['a log-unavailable', 'b log-unavailable', 'c log-unavailable', 'd at 0'])
  expect(wire.requests.map((request) => stampOf(batchIn(request)))).toEqual([
    { producerId: 1, baseSequence: 0, count: 1 },
    { producerId: 2, baseSequence: 0, count: 1 },
  ])
  await producer.close()
})

test('partitions take turns where a request has no room for all of them', async () => {
  const asked: number[][] = []
  const { producer } = producing(
    ({ body }) => {
      const partitions = partitionsIn(Buffer.from(body))
      asked.push(partitions)
      return Promise.resolve(answeredAll(partitions))
    },
    { maxBatchBytes: 10, maxRequestBytes: 200 },
  )
  await producer.prepare()
  const busy = [0, 1].flatMap((partition) => Array.from({ length: 4 }, () => ({ ...records('x'.repeat(10))[0], partition })))
  await Promise.all([...busy, { ...records('y'.repeat(10))[0], partition: 2 }].map((record) => producer.send([record])))
  expect(asked).toEqual([[0, 1], [2, 0], [1, 0], [1, 0], [1]])
  await producer.close()
})

/** The partitions that a produce request of one topic carries, in its order. */
function partitionsIn(body: Buffer): number[] {
  const reader = new ByteReader(body)
  reader.at = 2 + 2 + 4
  return Array.from({ length: reader.int32() }, () => {
    reader.string()
    reader.at += 4
    const partition = reader.int32()
    reader.take(reader.int32())
    return partition
  })
}

function answeredAll(partitions: readonly number[]): Buffer {
  const writer = new ByteWriter()
  writer.int32(partitions.length)
  for (const partition of partitions) {
    writer.string('t')
    writer.int32(1)
    writer.int32(partition)
    writer.int16(0)
    writer.int64(0)
    writer.int64(-1)
    writer.int64(-1)
  }
  writer.int32(0)
  return Buffer.from(writer.view())
}
