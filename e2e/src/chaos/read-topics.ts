import { Kafka, logLevel, type Consumer, type KafkaMessage } from 'kafkajs'

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
  /** Longest that reading may take, in milliseconds. Default 90,000. */
  readonly limitMs?: number
}

/**
 * Reads every committed message of topics, up to the offsets at which they end now, with a consumer that has nothing of RiskLedger in it. Throws where it
 * does not come to them within its limit, naming what it still waits for. An end is that of what is committed: an open transaction is not waited for.
 */
export async function readTopics(options: ReadTopicsOptions): Promise<void> {
  const { brokers, groupId, topics, onPartition, limitMs = 90_000 } = options
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
    await readToEnd(consumer, { behind, limitMs, onMessage: options.onMessage })
  } finally {
    await consumer.disconnect()
  }
}

/** Takes the ends from `behind` as it comes to them. */
async function readToEnd(
  consumer: Consumer,
  {
    behind,
    limitMs,
    onMessage,
  }: { readonly behind: Map<string, number>; readonly limitMs: number; readonly onMessage: ReadTopicsOptions['onMessage'] },
): Promise<void> {
  const nextOffsets = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const waits = [...behind].map(([place, end]) => `${place}, which ends at ${end}, from ${nextOffsets.get(place) ?? 'its start'}`)
        reject(new Error(`after ${limitMs} ms there is still to be read: ${waits.join('; ')}`))
      }, limitMs)
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      // Also told of a fetch that holds nothing but aborted records or markers, for which eachBatch is not called.
      consumer.on('consumer.end_batch_process', ({ payload: { topic, partition, lastOffset } }) => {
        const place = `${topic}/${partition}`
        nextOffsets.set(place, Number(lastOffset) + 1)
        if (nextOffsets.get(place)! >= (behind.get(place) ?? 0)) behind.delete(place)
        if (behind.size === 0) resolve()
      })
      running = consumer.run({
        autoCommit: false,
        eachBatch: ({ batch: { topic, partition, messages } }) => {
          for (const message of messages) onMessage({ topic, partition, offset: Number(message.offset) }, message)
          return Promise.resolve()
        },
      })
      running.catch(reject)
    })
  } finally {
    clearTimeout(timer)
    // Who leaves while the group is being joined is not heard: the joining goes on.
    await running.catch(() => undefined)
  }
}
