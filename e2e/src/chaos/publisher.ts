import { Kafka, logLevel, type Producer } from 'kafkajs'
import type { RawTopic } from '@riskledger/contracts'
import { scenarioRecords, type ScenarioRecord } from './scenario-records'

/** Records of one request. */
const REQUEST_RECORDS = 50

/** Publishes a generated scenario to the raw topics with an idempotent producer that has nothing of RiskLedger in it, at its own pace, until it is stopped. */
export class Publisher {
  /** Records that the cluster has acknowledged. */
  acknowledged = 0
  private stopping = false
  private running: Promise<void> = Promise.resolve()

  private constructor(
    private readonly producer: Producer,
    private readonly options: { readonly prefix: string; readonly recordsPerSecond: number },
    private readonly records: Iterator<ScenarioRecord>,
  ) {}

  static async start(options: {
    readonly brokers: readonly string[]
    readonly prefix: string
    readonly seed: number
    readonly partitionCount: number
    readonly recordsPerSecond: number
  }): Promise<Publisher> {
    // Patient: the cluster is what is disturbed.
    const retry = { retries: 200, initialRetryTime: 50, maxRetryTime: 1_000 }
    const kafka = new Kafka({ clientId: 'publisher', brokers: [...options.brokers], logLevel: logLevel.NOTHING, retry })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry })
    await producer.connect()
    const publisher = new Publisher(producer, options, scenarioRecords(options))
    publisher.running = publisher.run()
    publisher.running.catch(() => undefined)
    return publisher
  }

  /** Stops after the request under way; rejects where one could not be published at all. */
  async stop(): Promise<void> {
    this.stopping = true
    try {
      await this.running
    } finally {
      await this.producer.disconnect()
    }
  }

  private async run(): Promise<void> {
    const startedMs = performance.now()
    while (!this.stopping) {
      const records = Array.from({ length: REQUEST_RECORDS }, () => this.records.next().value as ScenarioRecord)
      const byTopic = new Map<RawTopic, ScenarioRecord[]>()
      for (const record of records) byTopic.set(record.topic, [...(byTopic.get(record.topic) ?? []), record])
      await this.producer.sendBatch({
        acks: -1,
        topicMessages: [...byTopic].map(([topic, of]) => ({
          topic: `${this.options.prefix}raw.${topic}`,
          messages: of.map(({ partition, key, value }) => ({ partition, key, value })),
        })),
      })
      this.acknowledged += records.length
      const aheadMs = (this.acknowledged / this.options.recordsPerSecond) * 1_000 - (performance.now() - startedMs)
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs))
    }
  }
}
