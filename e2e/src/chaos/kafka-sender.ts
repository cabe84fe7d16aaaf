import { Kafka, logLevel, type Producer } from 'kafkajs'
import type { RawTopic } from '@riskledger/contracts'
import type { Sender } from './publisher'
import type { ScenarioRecord } from './scenario-records'

/** How long a cluster may be unable to take a request. */
const PATIENCE_MS = 120_000

/**
 * Publishes with an idempotent producer of kafkajs that has nothing of RiskLedger in it. What it cannot recover from is sent again by a new producer: a
 * record may then be in the cluster twice, and is an input twice.
 */
export class KafkaSender implements Sender {
  private producer: Producer | null = null
  private closed = false

  constructor(private readonly options: { readonly brokers: readonly string[]; readonly prefix: string }) {}

  async send(records: readonly ScenarioRecord[]): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS
    for (let left = records; left.length > 0;) {
      try {
        this.producer ??= await this.connect()
        left = await this.sendOnce(this.producer, left)
      } catch (error) {
        if (this.closed || performance.now() > deadlineMs) throw error
        await this.disconnect()
      }
    }
  }

  /**
   * Returns what was not acknowledged. A request of kafkajs whose partition moves to a broker that has answered already resolves without that partition
   * (2.2.4, `sendMessages`): only what the answer names is counted.
   */
  private async sendOnce(producer: Producer, records: readonly ScenarioRecord[]): Promise<readonly ScenarioRecord[]> {
    const byTopic = new Map<RawTopic, ScenarioRecord[]>()
    for (const record of records) byTopic.set(record.topic, [...(byTopic.get(record.topic) ?? []), record])
    const nameOf = (topic: RawTopic): string => `${this.options.prefix}raw.${topic}`
    const topicMessages = [...byTopic].map(([topic, of]) => ({
      topic: nameOf(topic),
      messages: of.map(({ partition, key, value }) => ({ partition, key, value })),
    }))
    const answered = await producer.sendBatch({ acks: -1, topicMessages })
    const places = new Set(answered.map(({ topicName, partition }) => `${topicName}/${partition}`))
    return records.filter(({ topic, partition }) => !places.has(`${nameOf(topic)}/${partition}`))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.disconnect()
  }

  private async disconnect(): Promise<void> {
    const { producer } = this
    this.producer = null
    await producer?.disconnect()
  }

  private async connect(): Promise<Producer> {
    // Patient: the cluster is what is disturbed.
    const retry = { retries: 20, initialRetryTime: 50, maxRetryTime: 500 }
    const kafka = new Kafka({ clientId: 'publisher', brokers: [...this.options.brokers], logLevel: logLevel.NOTHING, retry })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry })
    await producer.connect()
    return producer
  }
}
