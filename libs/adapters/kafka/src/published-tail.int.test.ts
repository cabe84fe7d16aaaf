import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import type { KafkaConnection } from './kafka-connection'
import { openKafkaPublisher } from './kafka-publisher'
import { openPublishedTail } from './published-tail'
import { brokerOfTests } from './testing/broker-of-tests'
import { createTopics } from './topic-administration'

const brokers = brokerOfTests()

async function madeTopic(settings: Readonly<Record<string, string>> = {}): Promise<KafkaConnection> {
  const connection = { brokers: await brokers(), clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
  const topic = `${connection.prefix}risk.verdicts`
  await createTopics({ connection, specifications: [{ topic, partitionCount: 2, replicationFactor: 1, settings }] })
  return connection
}

/** So many messages in calls of a few, each with its number. */
async function publish(
  connection: KafkaConnection,
  { count, bytes = 10 }: { readonly count: number; readonly bytes?: number },
): Promise<void> {
  const publisher = await openKafkaPublisher({ connection })
  try {
    for (let i = 0; i < count; i += 7)
      await publisher.publish(
        Array.from({ length: Math.min(7, count - i) }, (_, k) => ({
          topic: 'risk.verdicts',
          partition: 1,
          key: null,
          value: Buffer.alloc(bytes),
          headers: { number: String(i + k), für: 'ü' },
        })),
      )
  } finally {
    await publisher.close()
  }
}

test.each(['producer', 'gzip'])(
  'the newest come oldest first, as many as are asked for, also out of the middle of a batch: %s',
  async (compression) => {
    const connection = await madeTopic({ 'compression.type': compression })
    const tail = openPublishedTail({ connection })
    try {
      expect(await tail.newest('risk.verdicts', { partition: 1, maxMessages: 5 })).toEqual([])
      await publish(connection, { count: 100 })
      const newest = await tail.newest('risk.verdicts', { partition: 1, maxMessages: 20 })
      expect(newest.map(({ number }) => Number(number))).toEqual(Array.from({ length: 20 }, (_, i) => 80 + i))
      expect(newest[0]['für']).toBe('ü')
      expect(await tail.newest('risk.verdicts', { partition: 1, maxMessages: 1_000 })).toHaveLength(100)
      expect(await tail.newest('risk.verdicts', { partition: 0, maxMessages: 20 })).toEqual([])
    } finally {
      await tail.close()
    }
  },
)

test('more than one fetch brings is read on, and markers of transactions are passed over', async () => {
  const connection = await madeTopic()
  await publish(connection, { count: 40, bytes: 100_000 })
  const kafka = new kafkajs.Kafka({ brokers: [...connection.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const producer = kafka.producer({ transactionalId: connection.prefix, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({
    topic: `${connection.prefix}risk.verdicts`,
    messages: [{ partition: 1, value: 'x', headers: { number: '40' } }],
  })
  await transaction.commit()
  await producer.disconnect()
  const tail = openPublishedTail({ connection })
  try {
    const look = () => tail.newest('risk.verdicts', { partition: 1, maxMessages: 30 })
    let newest = await look()
    // A commit is answered before its marker is written, and until then nothing of it is decided.
    while (newest.at(-1)?.number !== '40') newest = await look()
    // One of the thirty offsets is the marker.
    expect(newest.map(({ number }) => Number(number))).toEqual(Array.from({ length: 29 }, (_, i) => 12 + i))
  } finally {
    await tail.close()
  }
})

test('a topic and a partition that are not there hold nothing, and a cluster that is away is told', async () => {
  const connection = await madeTopic()
  const tail = openPublishedTail({ connection })
  try {
    expect(await tail.newest('risk.nothing', { partition: 0, maxMessages: 5 })).toEqual([])
    expect(await tail.newest('risk.verdicts', { partition: 2, maxMessages: 5 })).toEqual([])
    expect(await tail.newest('risk.verdicts', { partition: 1, maxMessages: 5 })).toEqual([])
  } finally {
    await tail.close()
  }
  const away = openPublishedTail({ connection: { ...connection, brokers: ['127.0.0.1:1'] } })
  await expect(away.newest('risk.verdicts', { partition: 0, maxMessages: 5 })).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: true,
  })
  await away.close()
})
