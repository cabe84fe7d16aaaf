import { createHash } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { RAW_TOPICS, type RawTopic } from '@riskledger/contracts'

/** What a cluster holds of a topic and partition for a reader of committed records: the digest of each value by its offset. */
type PartitionTruth = ReadonlyMap<number, string>

/** What a cluster holds of every raw topic and partition, under `<topic>/<partition>`. */
export type BrokerTruth = ReadonlyMap<string, PartitionTruth>

/**
 * Reads every record of the raw topics with a consumer that has nothing of RiskLedger in it, up to the offsets at which they end now.
 */
export async function readBrokerTruth(options: {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly groupId: string
}): Promise<BrokerTruth> {
  const kafka = new Kafka({ clientId: 'checker', brokers: [...options.brokers], logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId: options.groupId })
  const truth = new Map<string, Map<number, string>>()
  const behind = new Map<string, number>()
  await admin.connect()
  try {
    for (const topic of RAW_TOPICS) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(nameOf(topic, options.prefix))) {
        truth.set(`${topic}/${partition}`, new Map())
        if (Number(high) > Number(low)) behind.set(`${topic}/${partition}`, Number(high))
      }
    }
    if (behind.size === 0) return truth
    await consumer.connect()
    await consumer.subscribe({ topics: RAW_TOPICS.map((topic) => nameOf(topic, options.prefix)), fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      consumer
        .run({
          eachBatch: ({ batch }) => {
            const place = `${batch.topic.slice(`${options.prefix}raw.`.length)}/${batch.partition}`
            for (const { offset, value } of batch.messages) {
              truth.get(place)!.set(
                Number(offset),
                createHash('sha256')
                  .update(value ?? '')
                  .digest('hex'),
              )
            }
            if (Number(batch.lastOffset()) + 1 >= (behind.get(place) ?? 0)) behind.delete(place)
            if (behind.size === 0) resolve()
            return Promise.resolve()
          },
        })
        .catch(reject)
    })
    return truth
  } finally {
    await consumer.disconnect()
    await admin.disconnect()
  }
}

function nameOf(topic: RawTopic, prefix: string): string {
  return `${prefix}raw.${topic}`
}
