import { randomUUID } from 'node:crypto'
import { createTopics } from '../topic-administration'
import { topicSpecifications } from '../topic-specifications'
import type { KafkaConnection } from '../kafka-connection'

/** A connection with a prefix of its own, whose raw topics were made; they take their publisher's time. */
export async function madeTopics(brokers: readonly string[], partitionCount: number): Promise<KafkaConnection> {
  const connection = { brokers, clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
  const specifications = topicSpecifications({
    prefix: connection.prefix,
    partitionCount,
    replicationFactor: 1,
    timestampType: 'CreateTime',
  })
  await createTopics({ connection, specifications })
  return connection
}
