import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'

/** Where a message lies. */
interface MessagePlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface ReadTopicsOptions {
  readonly brokers: readonly string[]
  /** A group that nobody has used yet. */
  readonly groupId: string
  readonly topics: readonly string[]
  /** Every partition once, before any message. */
  readonly onPartition?: (topic: string, partition: number) => void
  readonly onMessage: (place: MessagePlace, message: KafkaMessage) => void
}

/** Reads every committed message of topics, up to the offsets at which they end now, with a consumer that has nothing of RiskLedger in it. */
export async function readTopics({ brokers, groupId, topics, onPartition, onMessage }: ReadTopicsOptions): Promise<void> {
  const retry = { retries: 50, initialRetryTime: 50, maxRetryTime: 500 }
  const kafka = new Kafka({ clientId: 'checker', brokers: [...brokers], logLevel: logLevel.NOTHING, retry })
  const admin = kafka.admin()
  const behind = new Map<string, number>()
  await admin.connect()
  try {
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        onPartition?.(topic, partition)
        if (Number(high) > Number(low)) behind.set(`${topic}/${partition}`, Number(high))
      }
    }
  } finally {
    await admin.disconnect()
  }
  if (behind.size === 0) return
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      consumer
        .run({
          autoCommit: false,
          eachBatch: ({ batch }) => {
            const { topic, partition } = batch
            for (const message of batch.messages) onMessage({ topic, partition, offset: Number(message.offset) }, message)
            if (Number(batch.lastOffset()) + 1 >= (behind.get(`${topic}/${partition}`) ?? 0)) behind.delete(`${topic}/${partition}`)
            if (behind.size === 0) resolve()
            return Promise.resolve()
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}
