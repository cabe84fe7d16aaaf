import { randomUUID } from 'node:crypto'
import { RAW_TOPICS, type RawTopic } from '@riskledger/contracts'
import { rawTopicName } from '../raw-topic-name'
import { createTopics } from '../topic-administration'
import { topicSpecifications } from '../topic-specifications'
import type { KafkaConnection } from '../kafka-connection'

export interface TestTopicsOptions {
  readonly partitionCount: number
  /** Default: all raw topics. */
  readonly topics?: readonly RawTopic[]
  readonly replicationFactor?: number
  /** Settings of `raw.payments` besides those of its specification. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A connection with a prefix of its own, whose raw topics were made; they take their publisher's time. */
export async function madeTopics(brokers: readonly string[], options: TestTopicsOptions): Promise<KafkaConnection> {
  const { partitionCount, topics = RAW_TOPICS, replicationFactor = 1, settings = {} } = options
  const connection = { brokers, clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
  const names = topics.map((topic) => rawTopicName(topic, connection.prefix))
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount, replicationFactor, timestampType: 'CreateTime' })
    .filter(({ topic }) => names.includes(topic))
    .map((specification) => ({
      ...specification,
      settings: { ...specification.settings, ...(specification.topic.endsWith('raw.payments') ? settings : {}) },
    }))
  await createTopics({ connection, specifications })
  return connection
}
