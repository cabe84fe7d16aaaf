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
    const byTopic = new Map<RawTopic, ScenarioRecord[]>()
    for (const record of records) byTopic.set(record.topic, [...(byTopic.get(record.topic) ?? []), record])
    const topicMessages = [...byTopic].map(([topic, of]) => ({
      topic: `${this.options.prefix}raw.${topic}`,
      messages: of.map(({ partition, key, value }) => ({ partition, key, value })),
    }))
    const deadlineMs = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        this.producer ??= await this.connect()
        await this.producer.sendBatch({ acks: -1, topicMessages })
        return
      } catch (error) {
        if (this.closed || performance.now() > deadlineMs) throw error
        await this.disconnect()
      }
    }
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
