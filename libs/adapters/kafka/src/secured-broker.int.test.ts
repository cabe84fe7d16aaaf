import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startDevBroker, type DevBroker } from '@riskledger/dev-broker'
import { countPartitions } from './count-partitions'
import type { KafkaConnection, KafkaSasl } from './kafka-connection'
import { openKafkaLog } from './kafka-log'
import { openKafkaPublisher } from './kafka-publisher'
import { joinScreenerGroup } from './screener-group'
import { madeTopics } from './testing/test-topics'
import { checkTopics } from './topic-administration'
import { topicSpecifications } from './topic-specifications'

const USER = { username: 'risk', password: 'opens-with-this' }
const MECHANISMS: readonly KafkaSasl['mechanism'][] = ['plain', 'scram-sha-256', 'scram-sha-512']

let folder: string
let broker: DevBroker
let prefix: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-kafka-secured-'))
  const [port] = (await freePorts(1)) as [number]
  broker = await startDevBroker({ folder, secured: { ...USER, port } })
  prefix = (await madeTopics(broker.brokers, { partitionCount: 2, topics: ['payments'] })).prefix
}, 120_000)
afterAll(async () => {
  await broker?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** As the settings of a service that comes in at the secured port. */
function secured(mechanism: KafkaSasl['mechanism'], different: Partial<KafkaConnection> = {}): KafkaConnection {
  const { broker: address, certificate } = broker.secured!
  return { brokers: [address], clientId: 'test', prefix, ssl: { ca: certificate }, sasl: { mechanism, ...USER }, ...different }
}

test.each(MECHANISMS)('with the right password of %s there is publishing, reading and a group', async (mechanism) => {
  const connection = secured(mechanism)
  const publisher = await openKafkaPublisher({ connection })
  const log = await openKafkaLog({ connection, partitionCount: 2, topics: ['payments'] })
  try {
    const value = Buffer.from(mechanism)
    const [{ offset }] = await publisher.publish([{ topic: 'raw.payments', partition: 1, key: null, value }])
    const record = { topic: 'payments', partition: 1, brokerTimeMs: 1, orderTimeMs: undefined, key: null, value } as const
    expect(await log.append([record])).toEqual([offset + 1])
    const { records } = await log.fetch({ topic: 'payments', partition: 1, fromOffset: offset, maxRecords: 10, maxBytes: 1_000 })
    expect(records.map(({ value }) => Buffer.from(value).toString())).toEqual([mechanism, mechanism])
    expect(await countPartitions(connection)).toBe(2)
    await new Promise<void>((resolve, reject) => {
      const joining = joinScreenerGroup({
        connection,
        groupId: mechanism,
        topics: ['payments'],
        partitionCount: 2,
        onAssigned: (partitions) => {
          if (partitions.length === 2) joining.then((group) => group.leave()).then(resolve, reject)
        },
        onLost: () => undefined,
      })
      joining.catch(reject)
    })
  } finally {
    await Promise.all([publisher.close(), log.close()])
  }
})

/** Every way into a cluster. */
const WAYS: readonly (readonly [string, (connection: KafkaConnection) => Promise<unknown>])[] = [
  ['the log', (connection) => openKafkaLog({ connection, partitionCount: 2, topics: ['payments'] })],
  ['a publisher', (connection) => openKafkaPublisher({ connection })],
  ['counting partitions', (connection) => countPartitions(connection)],
  [
    'looking at topics',
    (connection) =>
      checkTopics({
        connection,
        specifications: topicSpecifications({ prefix: connection.prefix, partitionCount: 2, replicationFactor: 1 }),
      }),
  ],
  [
    'a group',
    (connection) =>
      joinScreenerGroup({
        connection,
        groupId: 'refused',
        topics: ['payments'],
        partitionCount: 2,
        onAssigned: () => undefined,
        onLost: () => undefined,
      }),
  ],
]

const namesThePassword = { code: 'configuration-invalid', retriable: false, message: expect.stringContaining('RISKLEDGER_KAFKA_PASSWORD') }

test.each(WAYS)('for %s a wrong password is an error that names it', async (_, open) => {
  for (const mechanism of MECHANISMS)
    await expect(open(secured(mechanism, { sasl: { mechanism, ...USER, password: 'wrong' } }))).rejects.toMatchObject(namesThePassword)
})

test.each(WAYS)('for %s a certificate that is not trusted is an error that names its authority', async (_, open) => {
  const namesTheAuthority = {
    code: 'configuration-invalid',
    retriable: false,
    message: expect.stringMatching(/DEPTH_ZERO_SELF_SIGNED_CERT.*--kafka-ca/),
  }
  await expect(open(secured('plain', { ssl: {} }))).rejects.toMatchObject(namesTheAuthority)
})

test('TLS towards a port without it, and none towards a port with it, look like a broker that is away: the error names the setting too', async () => {
  const namesTls = { code: 'log-unavailable', retriable: true, message: expect.stringContaining('--kafka-tls') }
  await expect(openKafkaPublisher({ connection: secured('plain', { brokers: broker.brokers }) })).rejects.toMatchObject(namesTls)
  const { ssl: _ssl, ...plain } = secured('plain')
  await expect(openKafkaPublisher({ connection: plain })).rejects.toMatchObject(namesTls)
})

test('a mechanism that the port does not offer names it', async () => {
  const other = { ...secured('plain'), sasl: { ...USER, mechanism: 'scram-sha-1' as 'plain' } }
  await expect(openKafkaPublisher({ connection: other })).rejects.toMatchObject(namesThePassword)
})
