import { randomUUID } from 'node:crypto'
import { findTestBroker } from '@riskledger/dev-broker'
import { createTopics, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { rawTopicDifferences, warnOfLosingTopics } from './screener-topics'

const broker = findTestBroker()
afterAll(async () => {
  const found = await broker
  if (found.kind === 'found') await found.close()
}, 60_000)

test("a compacted raw topic and one that is kept too short are warned of, on a cluster; its other topics' settings are nobody's business", async () => {
  const found = await broker
  if (found.kind === 'skipped') throw new Error(found.reason)
  const connection: KafkaConnection = { brokers: found.brokers, clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
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
}, 120_000)
