import { brokerSettings } from './broker-settings'

const NODES = [1, 2, 3].map((id) => ({ id, port: 20_000 + id, controllerPort: 30_000 + id }))

function settingsOf(nodes: typeof NODES): Record<string, string> {
  const lines = brokerSettings(nodes[0], { nodes, dataFolder: '/data' }).trim().split('\n')
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

test('three nodes vote, and two of them must have a record', () => {
  expect(settingsOf(NODES)).toMatchObject({
    'controller.quorum.voters': '1@127.0.0.1:30001,2@127.0.0.1:30002,3@127.0.0.1:30003',
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
  })
})
