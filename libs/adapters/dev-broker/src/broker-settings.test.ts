import { brokerSettings, logSettings, propertyValue, type NodeAddress } from './broker-settings'

const NODES: readonly NodeAddress[] = [1, 2, 3].map((id) => ({ id, port: 20_000 + id, controllerPort: 30_000 + id }))

function settingsOf(nodes: readonly NodeAddress[]): Record<string, string> {
  const lines = brokerSettings(nodes[0], { nodes, dataFolder: '/data', folder: '/node' }).trim().split('\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

test('one node replicates nothing', () => {
  expect(settingsOf(NODES.slice(0, 1))).toMatchObject({
    'controller.quorum.voters': '1@127.0.0.1:30001',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:20001',
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    'offsets.topic.replication.factor': '1',
    'auto.create.topics.enable': 'false',
    'log.dirs': '/data',
  })
})

test.each([
  ['/a b', '/a b'],
  ['/kafka-é', '/kafka-\\u00e9'],
  ['/😀', '/\\ud83d\\ude00'],
  ['C:\\kafka', 'C:\\\\kafka'],
  [' a\nb', '\\ a\\u000ab'],
])('the value %p stands in a properties file as %p', (value, written) => {
  expect(propertyValue(value)).toBe(written)
})

test('a folder is written as a properties file needs it, everywhere', () => {
  const [node] = NODES
  const secured = { port: 20_009, username: 'u', password: 'p' }
  const settings = brokerSettings({ ...node, secured }, { nodes: [node], dataFolder: '/é/data', folder: '/é' })
  expect(settings).toContain('log.dirs=/\\u00e9/data\n')
  expect(settings).toContain('keystore.location=/\\u00e9/secured.p12\n')
  expect(logSettings('/é')).toContain('fileName=/\\u00e9/server.log\n')
  expect(logSettings('/é')).not.toContain('é')
})

test('three nodes vote, and two of them must have a record', () => {
  expect(settingsOf(NODES)).toMatchObject({
    'controller.quorum.voters': '1@127.0.0.1:30001,2@127.0.0.1:30002,3@127.0.0.1:30003',
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
  })
})

test('a secured port asks for TLS and a user, and no other port does', () => {
  const [node] = NODES
  const settings = settingsOf([{ ...node, secured: { port: 20_009, username: 'u', password: 'p' } }])
  expect(settings).toMatchObject({
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:20001,SECURED://127.0.0.1:20009',
    'listener.name.secured.ssl.keystore.location': '/node/secured.p12',
    'listener.name.secured.plain.sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required user_u="p";',
  })
  expect(settings['listener.security.protocol.map']).toContain('PLAINTEXT:PLAINTEXT')
  expect(settings['listener.security.protocol.map']).toContain('SECURED:SASL_SSL')
  expect(Object.keys(settingsOf([node])).filter((name) => name.startsWith('listener.name.'))).toEqual([])
})
