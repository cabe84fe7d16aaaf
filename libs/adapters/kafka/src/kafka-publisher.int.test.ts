import kafkajs from 'kafkajs'
import { partitionFor } from '@riskledger/contracts'
import { openKafkaPublisher, type KafkaPublisher } from './kafka-publisher'
import { brokerOfTests } from './testing/broker-of-tests'
import { madeTopics } from './testing/test-topics'

const brokers = brokerOfTests()
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function opened(): Promise<{ readonly publisher: KafkaPublisher; readonly topic: string }> {
  const connection = await madeTopics(await brokers(), { partitionCount: 3, topics: ['payments', 'logins'] })
  const publisher = await openKafkaPublisher({ connection })
  closing.push(() => publisher.close())
  return { publisher, topic: `${connection.prefix}raw.payments` }
}
const message = (part: {
  readonly topic?: string
  readonly partition?: number
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
}) => ({
  topic: 'raw.payments',
  key: null,
  value: Buffer.from('value'),
  ...part,
})

test('messages go by their key as in Java, or where they are told to, with headers; another client reads them', async () => {
  const { publisher, topic } = await opened()
  const keys = ['account-1', 'account-2', 'account-3', 'account-4'].map((key) => Buffer.from(key))
  const positions = await publisher.publish([
    ...keys.map((key) => message({ key })),
    message({ partition: 2, key: keys[0], value: null }),
    { ...message({ topic: 'raw.logins' }), headers: { 'ce-id': '17' } },
  ])
  expect(positions.map(({ partition }) => partition)).toEqual([...keys.map((key) => partitionFor(key, 3)), 2, 0])
  expect(positions.at(-1)).toEqual({ topic: 'raw.logins', partition: 0, offset: 0 })

  const kafka = new kafkajs.Kafka({ brokers: [...(await brokers())], logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}.readers` })
  await consumer.connect()
  closing.push(() => consumer.disconnect())
  await consumer.subscribe({ topics: [topic, topic.replace('payments', 'logins')], fromBeginning: true })
  const read: string[] = []
  let tell: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    tell = resolve
  })
  await consumer.run({
    eachMessage: ({ partition, message: { key, value, headers } }) => {
      read.push(`${partition} ${key?.toString() ?? 'null'} ${value?.toString() ?? 'null'} ${headers?.['ce-id']?.toString() ?? ''}`.trim())
      if (read.length === 6) tell()
      return Promise.resolve()
    },
  })
  await done
  expect(read.sort()).toEqual(
    [...keys.map((key) => `${partitionFor(key, 3)} ${key.toString()} value`), '2 account-1 null', '0 null value 17'].sort(),
  )
})

test('calls keep their order, also where the first one meets a new topic', async () => {
  const { publisher } = await opened()
  const calls = [
    publisher.publish([message({ partition: 0 }), message({ topic: 'raw.logins', partition: 0 })]),
    publisher.publish([message({ partition: 0 })]),
    ...Array.from({ length: 20 }, () => publisher.publish([message({ partition: 0 })])),
  ]
  const offsets = (await Promise.all(calls)).map(([{ offset }]) => offset)
  expect(offsets).toEqual(Array.from({ length: 22 }, (_, offset) => offset))
})

test('a topic that the broker has not heard of yet is waited for a little', async () => {
  const { publisher, topic } = await opened()
  const name = topic.replace('payments', 'external-alerts')
  const publishing = publisher.publish([message({ topic: 'raw.external-alerts' })])
  const admin = new kafkajs.Kafka({ brokers: [...(await brokers())], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  closing.push(() => admin.disconnect())
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }] })
  expect(await publishing).toEqual([{ topic: 'raw.external-alerts', partition: 0, offset: 0 }])
})

test('calls that wait for a topic that is missing, or behind one that does, are cancelled by closing', async () => {
  const { publisher } = await opened()
  await publisher.publish([message({})])
  const calls = Promise.allSettled([publisher.publish([message({ topic: 'risk.nothing' })]), publisher.publish([message({})])])
  await publisher.close()
  expect(await calls).toMatchObject(Array(2).fill({ status: 'rejected', reason: { code: 'cancelled' } }))
})

test('a topic or partition that is not there is refused by name, and others go on', async () => {
  const { publisher } = await opened()
  await expect(publisher.publish([message({ topic: 'risk.nothing' })])).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining('risk.nothing'),
  })
  await expect(publisher.publish([message({ partition: 3 })])).rejects.toMatchObject({
    code: 'configuration-invalid',
    context: { partition: 3, count: 3 },
  })
  expect(await publisher.publish([message({ partition: 1 })])).toEqual([{ topic: 'raw.payments', partition: 1, offset: 0 }])
  expect(await publisher.publish([])).toEqual([])
  await publisher.close()
  await expect(publisher.publish([message({})])).rejects.toMatchObject({ code: 'cancelled' })
})
