import {
  RAW_TOPICS,
  recordsOf,
  RiskError,
  type EventLog,
  type FetchRequest,
  type FetchResponse,
  type LogRecord,
  type ProposedRecord,
  type RawTopic,
  type RecordColumns,
  type SourceProgress,
} from '@riskledger/contracts'

type Gap = { readonly fromOffset: number; readonly toOffset: number; readonly reason: string }
interface Topic {
  readonly records: LogRecord[]
  readonly gaps: Gap[]
  end: number
}

/** A partitioned log in memory, with gaps on request. `changed` resolves at once for
 * what came since the last wait, else at the next append or announcement, never by time. */
export class MemoryEventLog implements EventLog {
  private readonly topics = new Map<string, Topic>()
  private progress: SourceProgress[] = []
  private waiting: (() => void)[] = []
  private version = 0
  /** What the waits of each caller, told apart by its signal, have seen. */
  private readonly seenVersions = new WeakMap<object, number>()

  constructor(readonly partitionCount = 1) {}

  append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    const offsets = records.map((record) => {
      const topic = this.topicOf(record.topic, record.partition)
      topic.records.push({ ...record, offset: topic.end })
      return topic.end++
    })
    if (progress !== undefined) this.announce(progress)
    this.wake()
    return Promise.resolve(offsets)
  }

  async appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void> {
    await this.append(recordsOf({ ...columns, bytes: columns.bytes.slice() }), progress)
  }

  /** Says how far a source has come, without a record. */
  announce(progress: SourceProgress): void {
    const at = this.progress.findIndex((one) => one.sourceId === progress.sourceId)
    if (at < 0) this.progress.push(progress)
    else this.progress[at] = progress
    this.wake()
  }

  /** Skips offsets, as a transaction marker or compaction does on Kafka. */
  skip(topic: RawTopic, partition: number, count: number): void {
    const held = this.topicOf(topic, partition)
    held.gaps.push({ fromOffset: held.end, toOffset: held.end + count, reason: 'transaction-marker' })
    held.end += count
    this.wake()
  }

  fetch({ topic, partition, fromOffset, maxRecords, maxBytes }: FetchRequest): Promise<FetchResponse> {
    const held = this.topicOf(topic, partition)
    if (fromOffset > held.end) {
      return Promise.reject(
        new RiskError('offset-out-of-range', `${topic}@${fromOffset}: the log ends at ${held.end}`, { retriable: false }),
      )
    }
    const records: LogRecord[] = []
    let bytes = 0
    for (const record of held.records) {
      if (record.offset < fromOffset) continue
      if (records.length === maxRecords || (records.length > 0 && bytes + record.value.length > maxBytes)) break
      records.push(record)
      bytes += record.value.length
    }
    const more = held.records.find((record) => record.offset >= fromOffset && !records.includes(record))
    const nextOffset = more === undefined ? held.end : records.at(-1)!.offset + 1
    const gaps = held.gaps.filter((gap) => gap.fromOffset >= fromOffset && gap.toOffset <= nextOffset)
    return Promise.resolve({ records, nextOffset, highWatermark: held.end, gaps })
  }

  range(topic: RawTopic, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    return Promise.resolve({ start: 0, end: this.topicOf(topic, partition).end })
  }

  sources(): Promise<readonly SourceProgress[]> {
    return Promise.resolve([...this.progress])
  }

  changed(_timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    const caller = signal ?? this
    const version = this.version
    if (version !== (this.seenVersions.get(caller) ?? 0)) {
      this.seenVersions.set(caller, version)
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        this.seenVersions.set(caller, this.version)
        resolve()
      }
      this.waiting.push(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** Lets everybody who waits look again, as the time-out of a real log does. */
  wake(): void {
    this.version++
    const waiting = this.waiting
    this.waiting = []
    for (const wake of waiting) wake()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private topicOf(topic: RawTopic, partition: number): Topic {
    if (!RAW_TOPICS.includes(topic) || partition >= this.partitionCount) throw new Error(`no ${topic}/${partition}`)
    const key = `${topic}/${partition}`
    let held = this.topics.get(key)
    if (held === undefined) this.topics.set(key, (held = { records: [], gaps: [], end: 0 }))
    return held
  }
}
