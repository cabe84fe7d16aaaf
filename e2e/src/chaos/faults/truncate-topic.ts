import { Kafka, logLevel } from 'kafkajs'
import type { ChaosHouse } from '../chaos-house'

/** Deletes every record of the topic of payments, also those that nobody has read: what retention does to a screener that was away for too long. */
export async function truncatePayments({ options: { brokers }, environment }: ChaosHouse): Promise<void> {
  const topic = `${environment}raw.payments`
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const ends = await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) })
  } finally {
    await admin.disconnect()
  }
}
