import type { Metrics, RawTopic } from '@riskledger/contracts'
import type { KafkaReader } from './kafka-reader'
import { partitionName } from './partition-name'

const EVERY_MS = 5_000

/** How far reading of a topic and partition is behind. */
export interface TopicLag {
  readonly topic: RawTopic
  readonly partition: number
  /** Offsets up to the last stable offset that were not given out. */
  readonly messages: number
  /** Age of the first of them by the log's own time, in milliseconds; 0 when there is none. */
  readonly ageMs: number
  /** Offsets past the last stable one: what open transactions hold back. */
  readonly undecidedMessages: number
}

/** Reckons the lag of everything that is read, and tells it to the metrics every five seconds. */
export class LagReport {
  private readonly timer: NodeJS.Timeout | undefined
  /** The partitions of which something was told last. */
  private told: readonly TopicLag[] = []

  constructor(
    private readonly reader: Pick<KafkaReader, 'all'>,
    private readonly options: { readonly metrics?: Metrics; readonly nowMs: () => number },
  ) {
    const { metrics } = options
    if (metrics === undefined) return
    this.timer = setInterval(() => this.tell(metrics), EVERY_MS)
    this.timer.unref()
  }

  now(): readonly TopicLag[] {
    const nowMs = this.options.nowMs()
    return [...this.reader.all()].map(({ place, buffer, stableEnd, highWatermark }) => {
      const messages = Math.max(0, stableEnd - buffer.nextOffset)
      return {
        topic: place.topic,
        partition: place.partition,
        messages,
        ageMs: messages === 0 ? 0 : Math.max(0, nowMs - (buffer.unreadTimeMs() ?? nowMs)),
        undecidedMessages: Math.max(0, highWatermark - stableEnd),
      }
    })
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private tell(metrics: Metrics): void {
    const lags = this.now()
    // What somebody else reads now is no lag of this reader's; its last value would stand for ever.
    const read = new Set(lags.map(partitionName))
    const left = this.told.filter((lag) => !read.has(partitionName(lag)))
    for (const { topic, partition } of left) tellOne(metrics, { topic, partition, messages: 0, ageMs: 0, undecidedMessages: 0 })
    for (const lag of lags) tellOne(metrics, lag)
    this.told = lags
  }
}

function tellOne(metrics: Metrics, { topic, partition, messages, ageMs, undecidedMessages }: TopicLag): void {
  const labels = { topic, partition: String(partition) }
  metrics.gauge('riskledger_log_lag_messages', messages, labels)
  metrics.gauge('riskledger_log_lag_seconds', ageMs / 1000, labels)
  metrics.gauge('riskledger_log_undecided_messages', undecidedMessages, labels)
}
