import { checkConnection, type KafkaConnection } from './kafka-connection'
import { kafkajsConfigOf } from './kafkajs-config'

const connection: KafkaConnection = { brokers: ['a:9092', 'b:9093'], clientId: 'screener', prefix: '' }

test('defaults are filled in', () => {
  expect(checkConnection(connection)).toEqual({ ...connection, connectionTimeoutMs: 3_000, requestTimeoutMs: 30_000 })
})

test.each<[string, Partial<KafkaConnection>]>([
  ['brokers', { brokers: [] }],
  ['host:port', { brokers: ['a'] }],
  ['host:port', { brokers: ['a:b'] }],
  ['clientId', { clientId: '' }],
  ['prefix', { prefix: 'a b' }],
  ['prefix', { prefix: 'x'.repeat(65) }],
  ['ssl.cert', { ssl: { cert: 'pem' } }],
  ['ssl.cert', { ssl: { key: 'pem' } }],
  ['--kafka-key', { ssl: { cert: 'no PEM', key: 'no PEM' } }],
  ['sasl.username', { sasl: { mechanism: 'plain', username: '', password: 'x' } }],
  ['connectionTimeoutMs', { connectionTimeoutMs: 0 }],
  ['requestTimeoutMs', { requestTimeoutMs: 10 }],
])('a bad setting is refused by name: %s', (name, part) => {
  expect(() => checkConnection({ ...connection, ...part })).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', retriable: false, message: expect.stringContaining(name) }),
  )
})

test('TLS, SASL and timeouts reach kafkajs, certificates are checked unless told otherwise, and what it warns of reaches the log', () => {
  const warnings: unknown[] = []
  const logger = { warn: (...call: unknown[]) => warnings.push(call) }
  const sasl = { mechanism: 'scram-sha-512', username: 'u', password: 'p' } as const
  const config = kafkajsConfigOf(
    checkConnection({ ...connection, sasl, ssl: { ca: 'pem' }, connectionTimeoutMs: 5, requestTimeoutMs: 1_000 }),
    logger,
  )
  expect(config).toMatchObject({
    brokers: ['a:9092', 'b:9093'],
    clientId: 'screener',
    ssl: { rejectUnauthorized: true, ca: 'pem' },
    sasl,
    connectionTimeout: 5,
    requestTimeout: 1_000,
  })
  const trusting = kafkajsConfigOf(checkConnection({ ...connection, ssl: { rejectUnauthorized: false } }), logger)
  expect(trusting.ssl).toEqual({ rejectUnauthorized: false })
  expect(kafkajsConfigOf(checkConnection(connection), logger)).not.toHaveProperty('ssl')
  const log = { message: 'gone', timestamp: '', logger: 'kafkajs', broker: 'a:9092' }
  config.logCreator!(2)({ namespace: 'Connection', level: 1, label: 'ERROR', log })
  expect(warnings).toEqual([['kafkajs Connection: gone', { broker: 'a:9092' }]])
})
