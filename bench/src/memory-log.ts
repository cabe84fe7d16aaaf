import {
  RAW_TOPICS,
  recordsOf,
  type EventLog,
  type FetchRequest,
  type FetchResponse,
  type LogRecord,
  type ProposedRecord,
  type RawTopic,
  type RecordColumns,
  type SourceProgress,
} from '@riskledger/contracts'

/** A log in memory: takes the place of the disk where a benchmark measures what comes before or after it. */
export class MemoryLog implements EventLog {
  readonly records = new Map<RawTopic, LogRecord[]>(RAW_TOPICS.map((topic) => [topic, []]))
  private progress: SourceProgress[] = []

  constructor(readonly partitionCount = 1) {}

  append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    const offsets = records.map((record) => {
      const held = this.records.get(record.topic)!
      held.push({ ...record, offset: held.length, value: record.value.slice(), key: record.key === null ? null : record.key.slice() })
      return held.length - 1
    })
    if (progress !== undefined) this.progress = [...this.progress.filter((one) => one.sourceId !== progress.sourceId), progress]
    return Promise.resolve(offsets)
  }

  async appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void> {
    await this.append(recordsOf(columns), progress)
  }

  fetch(request: FetchRequest): Promise<FetchResponse> {
    const held = this.records.get(request.topic)!
    const records = held.slice(request.fromOffset, request.fromOffset + request.maxRecords)
    return Promise.resolve({ records, nextOffset: request.fromOffset + records.length, highWatermark: held.length, gaps: [] })
  }

  range(topic: RawTopic): Promise<{ start: number; end: number }> {
    return Promise.resolve({ start: 0, end: this.records.get(topic)!.length })
  }

  sources(): Promise<readonly SourceProgress[]> {
    return Promise.resolve(this.progress)
  }

  changed(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A log that keeps nothing: what is measured into it is what comes before the log, and not the keeping of a million records. */
export class UnkeptLog extends MemoryLog {
  override append(records: readonly ProposedRecord[]): Promise<readonly number[]> {
    return Promise.resolve(records.map((_, index) => index))
  }

  override appendColumns(): Promise<void> {
    return Promise.resolve()
  }
}
