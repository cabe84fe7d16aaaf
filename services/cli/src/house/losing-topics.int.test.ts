import { randomUUID } from 'node:crypto'
import { findTestBroker, whyNoBroker, type TestBroker } from '@riskledger/dev-broker'
import { createTopics, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { rawTopicDifferences, warnOfLosingTopics } from './losing-topics'

const skipped = whyNoBroker()
const GUARANTEE =
  "a compacted raw topic and one that is kept too short are warned of, on a cluster; its other topics' settings are nobody's business"
let broker: TestBroker | undefined

beforeAll(async () => {
  if (skipped === null) broker = await findTestBroker()
}, 120_000)
afterAll(async () => {
  if (broker?.kind === 'found') await broker.close()
}, 60_000)

const testWithBroker = skipped === null ? test : test.skip
testWithBroker(
  skipped === null ? GUARANTEE : `${skipped}: ${GUARANTEE}`,
  async () => {
    if (broker?.kind !== 'found') throw new Error(broker?.reason ?? 'no broker was looked for')
    const connection: KafkaConnection = { brokers: broker.brokers, clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
    const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      [`${connection.prefix}raw.payments`]: { 'cleanup.policy': 'compact' },
      [`${connection.prefix}raw.logins`]: { 'retention.ms': '3600000' },
      [`${connection.prefix}risk.verdicts`]: { 'cleanup.policy': 'compact' },
    }
    const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 2, replicationFactor: 1 })
    await createTopics({
      connection,
      specifications: specifications.map(({ settings, ...rest }) => ({ ...rest, settings: { ...settings, ...own[rest.topic] } })),
    })
    const warned: unknown[] = []
    const quiet = (): void => undefined
    const logger = { debug: quiet, info: quiet, error: quiet, warn: (_message: string, fields?: object) => warned.push(fields) }
    await warnOfLosingTopics(() => rawTopicDifferences(connection), logger)
    expect(warned).toEqual([
      { topic: `${connection.prefix}raw.payments`, setting: 'cleanup.policy', value: 'compact' },
      { topic: `${connection.prefix}raw.logins`, setting: 'retention.ms', value: '3600000' },
    ])
  },
  120_000,
)
