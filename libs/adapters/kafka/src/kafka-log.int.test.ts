import { randomUUID } from 'node:crypto'
import kafkajs, { type Kafka } from 'kafkajs'
import type { EventLog, FetchResponse, LogRecord, RawTopic } from '@riskledger/contracts'
import { openKafkaLog, type KafkaLog, type KafkaLogOptions } from './kafka-log'
import type { KafkaConnection } from './kafka-connection'
import { openKafkaPublisher } from './kafka-publisher'
import { brokerOfTests } from './testing/broker-of-tests'
import { madeTopics, type TestTopicsOptions } from './testing/test-topics'
import { createTopics } from './topic-administration'
import { topicSpecifications } from './topic-specifications'

const brokers = brokerOfTests()
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openLog(
  options: TestTopicsOptions & { readonly log?: Partial<KafkaLogOptions> },
): Promise<{ readonly log: KafkaLog; readonly connection: KafkaConnection; readonly kafka: Kafka }> {
  const connection = await madeTopics(await brokers(), options)
  const { partitionCount, topics } = options
  const log = await openKafkaLog({ connection, partitionCount, ...(topics === undefined ? {} : { topics }), ...options.log })
  closing.push(() => log.close())
  const kafka = new kafkajs.Kafka({ brokers: [...connection.brokers], logLevel: kafkajs.logLevel.NOTHING })
  return { log, connection, kafka }
}

/** Everything from `fromOffset` on to where the log ends, as its responses came. */
async function readOn(
  log: EventLog,
  place: { readonly topic: RawTopic; readonly fromOffset: number; readonly maxRecords?: number },
): Promise<FetchResponse> {
  const { topic, maxRecords = 1_000 } = place
  const records: LogRecord[] = []
  const gaps: FetchResponse['gaps'][number][] = []
  let { fromOffset } = place
  for (;;) {
    const response = await log.fetch({ topic, partition: 0, fromOffset, maxRecords, maxBytes: 2 ** 20 })
    records.push(...response.records)
    gaps.push(...response.gaps)
    fromOffset = response.nextOffset
    if (fromOffset >= response.highWatermark) return { records, gaps, nextOffset: fromOffset, highWatermark: response.highWatermark }
  }
}

const record = (value: string, part: { readonly topic?: RawTopic; readonly partition?: number } = {}) => ({
  topic: 'payments' as const,
  partition: 0,
  brokerTimeMs: 1_700_000_000_000,
  orderTimeMs: undefined,
  key: null,
  value: Buffer.from(value),
  ...part,
})
const textsOf = ({ records }: Pick<FetchResponse, 'records'>): string[] => records.map(({ value }) => Buffer.from(value).toString())

describe('topics that a broker does not know', () => {
  const prefix = (): string => `test-${randomUUID().slice(0, 8)}.`
  const open = (connection: KafkaConnection): Promise<KafkaLog> => openKafkaLog({ connection, partitionCount: 1, topics: ['payments'] })

  test('are waited for a little: it may not have heard of them yet', async () => {
    const connection = { brokers: await brokers(), clientId: 'test', prefix: prefix() }
    const opening = open(connection)
    const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 1, replicationFactor: 1 })
    await createTopics({ connection, specifications: specifications.filter(({ topic }) => topic.endsWith('raw.payments')) })
    const log = await opening
    closing.push(() => log.close())
    expect(await log.range('payments', 0)).toEqual({ start: 0, end: 0 })
  })

  test('are missing after that, which is told with what makes them', async () => {
    await expect(open({ brokers: await brokers(), clientId: 'test', prefix: prefix() })).rejects.toMatchObject({
      code: 'configuration-invalid',
      message: expect.stringContaining('Make them with riskledger topics create') as string,
    })
  })
})

describe('offsets without a record for us', () => {
  test('aborted records and transaction markers are passed over and named, in the middle and at the end', async () => {
    const { log, connection, kafka } = await openLog({ partitionCount: 1, topics: ['payments'] })
    const topic = `${connection.prefix}raw.payments`
    const producer = kafka.producer({ transactionalId: `${connection.prefix}tx`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    closing.push(() => producer.disconnect())
    const send = async (values: string[], end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: values.map((value) => ({ value })) })
      await transaction[end]()
    }
    await send(['a', 'b'], 'commit')
    await send(['x', 'y', 'z'], 'abort')
    await log.append([record('c')])
    await send(['w'], 'abort')
    await untilEnd(log, 10)

    const read = await readOn(log, { topic: 'payments', fromOffset: 0 })
    expect(textsOf(read)).toEqual(['a', 'b', 'c'])
    expect(read.records.map(({ offset }) => offset)).toEqual([0, 1, 7])
    expect(read.gaps).toEqual([
      { fromOffset: 2, toOffset: 3, reason: 'transaction-marker' },
      { fromOffset: 3, toOffset: 6, reason: 'aborted' },
      { fromOffset: 6, toOffset: 7, reason: 'transaction-marker' },
      { fromOffset: 8, toOffset: 9, reason: 'aborted' },
      { fromOffset: 9, toOffset: 10, reason: 'transaction-marker' },
    ])
    expect(read.nextOffset).toBe(10)
    expect(await log.range('payments', 0)).toEqual({ start: 0, end: 10 })

    const within = await readOn(log, { topic: 'payments', fromOffset: 4 })
    expect(textsOf(within)).toEqual(['c'])
    expect(within.gaps[0]).toEqual({ fromOffset: 4, toOffset: 6, reason: 'aborted' })
  })

  test('an open transaction ends the log before it, holds nothing back elsewhere, and is read once it is committed', async () => {
    const { log, connection, kafka } = await openLog({ partitionCount: 1, topics: ['payments', 'logins'] })
    const producer = kafka.producer({ transactionalId: `${connection.prefix}tx`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    closing.push(() => producer.disconnect())
    const transaction = await producer.transaction()
    await log.append([record('before')])
    await transaction.send({ topic: `${connection.prefix}raw.payments`, messages: [{ value: 'within' }] })
    await log.append([record('after'), record('login', { topic: 'logins' })])

    const open = await readOn(log, { topic: 'payments', fromOffset: 0 })
    expect(textsOf(open)).toEqual(['before'])
    expect(open.highWatermark).toBe(1)
    expect(textsOf(await readOn(log, { topic: 'logins', fromOffset: 0 }))).toEqual(['login'])
    expect(log.lag().find(({ topic }) => topic === 'payments')).toMatchObject({ messages: 0, ageMs: 0, undecidedMessages: 2 })

    await transaction.commit()
    await untilEnd(log, 4)
    const decided = await readOn(log, { topic: 'payments', fromOffset: 1 })
    expect(textsOf(decided)).toEqual(['within', 'after'])
    expect(decided.gaps).toEqual([{ fromOffset: 3, toOffset: 4, reason: 'transaction-marker' }])
  })
})

/** A coordinator answers a commit before the markers are written. */
async function untilEnd(log: EventLog, end: number): Promise<void> {
  while ((await log.range('payments', 0)).end < end) await log.changed(50)
}

describe('offsets that are gone', () => {
  test('a topic that is cut off past the position is a named error, again and again, and nothing is skipped', async () => {
    const { log, connection, kafka } = await openLog({ partitionCount: 1, topics: ['payments'], log: { maxBytesPerPartition: 100 } })
    await log.append(Array.from({ length: 20 }, (_, i) => record(String(i).padEnd(100))))
    const first = await log.fetch({ topic: 'payments', partition: 0, fromOffset: 0, maxRecords: 1, maxBytes: 1 })
    expect(first.nextOffset).toBe(1)
    for (let i = 20; i < 40; i++) await log.append([record(String(i).padEnd(100))])
    const admin = kafka.admin()
    await admin.connect()
    closing.push(() => admin.disconnect())
    // kafkajs deletes only where it has asked for the topic before.
    await admin.fetchTopicOffsets(`${connection.prefix}raw.payments`)
    await admin.deleteTopicRecords({ topic: `${connection.prefix}raw.payments`, partitions: [{ partition: 0, offset: '38' }] })

    let fromOffset = 1
    const readToTheHole = async (): Promise<void> => {
      for (;;) {
        const { records, nextOffset } = await log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords: 1, maxBytes: 1 })
        expect(records.map(({ offset }) => offset)).toEqual([fromOffset])
        fromOffset = nextOffset
      }
    }
    const named = { code: 'offset-out-of-range', retriable: false, context: { topic: 'payments', partition: 0, start: 38, end: 40 } }
    await expect(readToTheHole()).rejects.toMatchObject(named)
    expect(fromOffset).toBeLessThan(38)
    await expect(readToTheHole()).rejects.toMatchObject({ ...named, context: { ...named.context, offset: fromOffset } })
    expect(textsOf(await readOn(log, { topic: 'payments', fromOffset: 38 })).map((text) => text.trim())).toEqual(['38', '39'])
  })
})

describe('reading', () => {
  test('a silent topic costs a busy one nothing: its end is known while the broker waits', async () => {
    const { log } = await openLog({
      partitionCount: 1,
      topics: ['payments', 'logins'],
      log: { maxWaitMs: 5_000, maxBytesPerPartition: 2_000 },
    })
    const fetch = (topic: RawTopic, fromOffset: number) => log.fetch({ topic, partition: 0, fromOffset, maxRecords: 10, maxBytes: 1_000 })
    let logins = 0
    let payments = 0
    const startedMs = performance.now()
    for (let i = 0; i < 200; i++) {
      await log.append([record(`payment ${i}`)])
      if (i % 50 === 0) await log.append([record(`login ${i}`, { topic: 'logins' })])
      for (; payments <= i;) payments = (await fetch('payments', payments)).nextOffset
      const seen = await fetch('logins', logins)
      logins = seen.nextOffset
      expect(seen.highWatermark).toBe(logins)
    }
    expect({ payments, logins }).toEqual({ payments: 200, logins: 4 })
    // One wait for the broker's answer would be 5 s.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })

  test('views read different partitions and wait for what comes to their own', async () => {
    const { log } = await openLog({ partitionCount: 2, topics: ['payments'] })
    const [zero, one] = [log.view(), log.view()]
    const at = (partition: number, fromOffset: number) => ({
      topic: 'payments' as const,
      partition,
      fromOffset,
      maxRecords: 10,
      maxBytes: 1_000,
    })
    await Promise.all([zero.fetch(at(0, 0)), one.fetch(at(1, 0))])
    let woken = false
    const waitOfOne = one.changed(30_000).then(() => {
      woken = true
    })
    const waitOfZero = zero.changed(30_000)
    await log.append([record('for zero')])
    await waitOfZero
    expect(textsOf(await zero.fetch(at(0, 0)))).toEqual(['for zero'])
    expect(woken).toBe(false)
    await log.append([record('for one', { partition: 1 })])
    await waitOfOne
    expect(textsOf(await one.fetch(at(1, 0)))).toEqual(['for one'])
    await one.close()
    await expect(one.fetch(at(1, 1))).rejects.toMatchObject({ code: 'cancelled' })
    expect(log.lag().map(({ partition }) => partition)).toEqual([0])
  })

  test('closing the log ends the waits of all its views, and closes them', async () => {
    const { log } = await openLog({ partitionCount: 1, topics: ['payments'] })
    const view = log.view()
    const at = { topic: 'payments' as const, partition: 0, fromOffset: 0, maxRecords: 10, maxBytes: 1_000 }
    await view.fetch(at)
    // Longer than a test may take.
    const waits = [view.changed(600_000), log.changed(600_000)]
    await log.close()
    await Promise.all(waits)
    await expect(view.fetch(at)).rejects.toMatchObject({ code: 'cancelled' })
    await expect(log.fetch(at)).rejects.toMatchObject({ code: 'cancelled' })
    expect(log.lag()).toEqual([])
  })

  test('lag is told in messages and in time', async () => {
    let nowMs = 1_700_000_000_000
    const { log } = await openLog({ partitionCount: 1, topics: ['payments'], log: { nowMs: () => nowMs } })
    await log.append(Array.from({ length: 10 }, (_, i) => ({ ...record(`${i}`), brokerTimeMs: 1_700_000_000_000 })))
    const { nextOffset } = await log.fetch({ topic: 'payments', partition: 0, fromOffset: 0, maxRecords: 4, maxBytes: 1_000 })
    nowMs += 5_000
    expect(log.lag()).toEqual([{ topic: 'payments', partition: 0, messages: 6, ageMs: 5_000, undecidedMessages: 0 }])
    await readOn(log, { topic: 'payments', fromOffset: nextOffset })
    expect(log.lag()).toEqual([{ topic: 'payments', partition: 0, messages: 0, ageMs: 0, undecidedMessages: 0 }])
  })

  test.each(['gzip', 'snappy'])(
    'records that the broker compressed with %s are read, also from the middle of a batch',
    async (compression) => {
      const { log } = await openLog({ partitionCount: 1, topics: ['payments'], settings: { 'compression.type': compression } })
      const values = Array.from({ length: 50 }, (_, i) => `record ${i} `.repeat(20))
      await log.append(values.map((value) => record(value)))
      expect(textsOf(await readOn(log, { topic: 'payments', fromOffset: 0, maxRecords: 7 }))).toEqual(values)
      expect(textsOf(await readOn(log, { topic: 'payments', fromOffset: 31 }))).toEqual(values.slice(31))
    },
  )

  test.each(['lz4', 'zstd'])('records compressed with %s are refused by name, and other topics go on', async (compression) => {
    const { log } = await openLog({ partitionCount: 1, topics: ['payments', 'logins'], settings: { 'compression.type': compression } })
    await log.append([record('p'.repeat(500)), record('l', { topic: 'logins' })])
    await expect(readOn(log, { topic: 'payments', fromOffset: 0 })).rejects.toMatchObject({
      code: 'configuration-invalid',
      retriable: false,
      context: { compression, offset: 0 },
    })
    expect(textsOf(await readOn(log, { topic: 'logins', fromOffset: 0 }))).toEqual(['l'])
  })
})

describe('opening', () => {
  test('a cluster without the topics, or with another number of partitions, is refused by name', async () => {
    const connection = { brokers: await brokers(), clientId: 'test', prefix: 'nobody-made-these.' }
    await expect(openKafkaLog({ connection, partitionCount: 1 })).rejects.toMatchObject({ code: 'configuration-invalid', retriable: false })
    const made = await madeTopics(await brokers(), { partitionCount: 2, topics: ['payments'] })
    await expect(openKafkaLog({ connection: made, partitionCount: 3, topics: ['payments'] })).rejects.toMatchObject({
      code: 'configuration-invalid',
      context: { expected: 3, found: 2 },
    })
    await expect(openKafkaLog({ connection: made, partitionCount: 0 })).rejects.toMatchObject({ code: 'configuration-invalid' })
  })

  test('brokers that cannot be reached are told so, and it may be tried again', async () => {
    const connection = { brokers: ['127.0.0.1:1'], clientId: 'test', prefix: '' }
    await expect(openKafkaLog({ connection, partitionCount: 1 })).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
    await expect(openKafkaPublisher({ connection })).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  })

  test('progress is refused, and what is closed says so', async () => {
    const { log } = await openLog({ partitionCount: 1, topics: ['payments'] })
    const progress = { sourceId: 'a', emissions: 1, orderTimeMs: 1, startedAtMs: 1, done: false }
    await expect(log.append([record('a')], progress)).rejects.toMatchObject({ code: 'configuration-invalid' })
    expect(await log.sources()).toEqual([])
    const waiting = log.changed(30_000)
    await log.close()
    await waiting
    await expect(log.append([record('a')])).rejects.toMatchObject({ code: 'cancelled' })
    await expect(log.range('payments', 0)).rejects.toMatchObject({ code: 'cancelled' })
  })
})
