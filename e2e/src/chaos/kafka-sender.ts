import { createHash } from 'node:crypto'
import { RiskError, type EventLog, type Logger, type Metrics } from '@riskledger/contracts'
import { openEventLog } from '@riskledger/runtime'
import type { Receipt, Sender } from './publisher'
import type { ScenarioRecord } from './scenario-records'

/** How long a cluster may be unable to take a request. */
const PATIENCE_MS = 120_000

const QUIET: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const UNMEASURED: Metrics = { count: () => undefined, gauge: () => undefined, duration: () => undefined }

export interface KafkaSenderOptions {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly partitionCount: number
}

/**
 * Publishes with RiskLedger's own idempotent producer: kafkajs' resolves without the records of a partition whose leader moved while its request was on its way
 * (2.2.4, `sendMessages`), so that nobody could tell a record that was lost from one that was not acknowledged. The producer is on trial with all the rest:
 * the checker, which has nothing of it, holds every position that it gave against the cluster.
 */
export class KafkaSender implements Sender {
  readonly receipts: Receipt[] = []
  /** Requests that were made again: of some of them nobody knew whether they had been written, and their records may be in the cluster twice. */
  repeated = 0
  private log: Promise<EventLog> | null = null
  private closed = false

  constructor(private readonly options: KafkaSenderOptions) {}

  async send(records: readonly ScenarioRecord[]): Promise<void> {
    const brokerTimeMs = Date.now()
    const proposed = records.map(({ topic, partition, key, value }) => ({
      topic,
      partition,
      brokerTimeMs,
      orderTimeMs: undefined,
      key,
      value,
    }))
    for (const deadlineMs = performance.now() + PATIENCE_MS; ;) {
      try {
        this.log ??= this.open()
        const offsets = await (await this.log).append(proposed)
        records.forEach(({ topic, partition, value }, index) => {
          const digest = createHash('sha256').update(value).digest('hex')
          this.receipts.push({ topic, partition, offset: offsets[index], digest })
        })
        return
      } catch (error) {
        if (!(error instanceof RiskError) || !error.retriable || this.closed || performance.now() > deadlineMs) throw error
        this.repeated++
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true
    const log = await this.log?.catch(() => undefined)
    await log?.close()
  }

  private open(): Promise<EventLog> {
    const { partitionCount, ...at } = this.options
    const opening = openEventLog(
      { kind: 'kafka', connection: { ...at, clientId: 'publisher' } },
      { partitionCount, access: 'write', logger: QUIET, metrics: UNMEASURED },
    )
    opening.catch(() => (this.log = null))
    return opening
  }
}
