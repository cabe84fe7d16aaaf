import type { Logger } from '@riskledger/contracts'
import type { TopicDifference } from '@riskledger/kafka'
import { warnOfLosingTopics } from './losing-topics'

const TOPIC = 'raw.payments'
const setting = (name: string, found: string, expected: string): TopicDifference => ({
  kind: 'setting',
  topic: TOPIC,
  setting: name,
  expected,
  found,
})

async function warningsOf(differences: () => Promise<readonly TopicDifference[]>): Promise<readonly (readonly unknown[])[]> {
  const warnings: unknown[][] = []
  const refuse = (): never => {
    throw new Error('only warnings are wanted')
  }
  const logger: Logger = { debug: refuse, info: refuse, error: refuse, warn: (...told) => warnings.push(told) }
  await warnOfLosingTopics(differences, logger)
  return warnings
}

test.each([
  setting('cleanup.policy', 'compact', 'delete'),
  setting('cleanup.policy', 'compact,delete', 'delete'),
  setting('retention.ms', '3600000', '1209600000'),
])('a topic that may lose records is warned of, with the setting: %j', async (difference) => {
  const { setting: name, found } = difference as Extract<TopicDifference, { kind: 'setting' }>
  expect(await warningsOf(async () => [difference])).toEqual([
    [expect.stringContaining(`${TOPIC} has ${name}=${found}`), { topic: TOPIC, setting: name, value: found }],
  ])
})

test.each<TopicDifference>([
  setting('retention.ms', '-1', '1209600000'),
  setting('retention.ms', '2000000000', '1209600000'),
  setting('message.timestamp.type', 'CreateTime', 'LogAppendTime'),
  { kind: 'missing', topic: TOPIC },
  { kind: 'partition-count', topic: TOPIC, expected: 1, found: 4 },
])('what loses nothing is not: %j', async (difference) => {
  expect(await warningsOf(async () => [difference])).toEqual([])
})

test('a cluster that tells nothing of settings is no failure', async () => {
  const warnings = await warningsOf(() => Promise.reject(new Error('Topic authorization failed')))
  expect(warnings).toEqual([[expect.stringContaining('riskledger topics check'), { reason: 'Topic authorization failed' }]])
})
