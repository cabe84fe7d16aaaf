import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import type { KafkaConnection } from './kafka-connection'
import { brokerOfTests } from './testing/broker-of-tests'
import { assertTopics, checkTopics, createTopics } from './topic-administration'
import { topicSpecifications } from './topic-specifications'

const brokers = brokerOfTests()

async function anew(): Promise<KafkaConnection> {
  return { brokers: await brokers(), clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
}

test('topics that are missing are made as they should be, and left alone afterwards', async () => {
  const connection = await anew()
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 2, replicationFactor: 1 })
  expect(specifications).toHaveLength(12)
  const options = { connection, specifications }
  expect(await checkTopics(options)).toEqual(specifications.map(({ topic }) => ({ kind: 'missing', topic })))
  await expect(assertTopics(options)).rejects.toMatchObject({
    code: 'configuration-invalid',
    retriable: false,
    context: { differences: 12 },
  })
  expect(await createTopics(options)).toEqual(specifications.map(({ topic }) => topic))
  expect(await checkTopics(options)).toEqual([])
  await assertTopics(options)
  expect(await createTopics(options)).toEqual([])
})

test('each difference is named, with what to do', async () => {
  const connection = await anew()
  const specify = (partitionCount: number, replicationFactor = 1) =>
    topicSpecifications({ prefix: connection.prefix, partitionCount, replicationFactor }).slice(0, 2)
  const [payments, logins] = specify(2)
  await createTopics({
    connection,
    specifications: [{ ...payments, settings: { ...payments.settings, 'retention.ms': '1000', 'cleanup.policy': 'compact' } }],
  })
  const expected = [
    { kind: 'partition-count', topic: payments.topic, expected: 3, found: 2 },
    { kind: 'replication-factor', topic: payments.topic, expected: 2, found: 1 },
    { kind: 'setting', topic: payments.topic, setting: 'cleanup.policy', expected: 'delete', found: 'compact' },
    { kind: 'setting', topic: payments.topic, setting: 'retention.ms', expected: '1209600000', found: '1000' },
    { kind: 'setting', topic: payments.topic, setting: 'min.insync.replicas', expected: '2', found: '1' },
    { kind: 'missing', topic: logins.topic },
  ]
  const options = { connection, specifications: specify(3, 2) }
  expect(await checkTopics(options)).toEqual(expected)
  const error: unknown = await assertTopics(options).catch((reason: unknown) => reason)
  for (const part of [
    'riskledger topics create',
    'has 2 partitions instead of 3',
    'kafka-reassign-partitions',
    '--add-config retention.ms=1209600000',
  ])
    expect(String(error)).toContain(part)
})

test('what the cluster refuses is named, and brokers that cannot be reached are told so', async () => {
  const connection = await anew()
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 1, replicationFactor: 99 })
  await expect(createTopics({ connection, specifications })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining('raw.payments'),
  })
  await expect(checkTopics({ connection: { ...connection, brokers: ['127.0.0.1:1'] }, specifications })).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: true,
  })
})

test('raw topics take the time of the broker', async () => {
  const connection = await anew()
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 1, replicationFactor: 1 }).slice(0, 1)
  await createTopics({ connection, specifications })
  const admin = new kafkajs.Kafka({ brokers: [...connection.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: specifications[0].topic }] })
    expect(resources[0].configEntries.find(({ configName }) => configName === 'message.timestamp.type')?.configValue).toBe('LogAppendTime')
  } finally {
    await admin.disconnect()
  }
})
