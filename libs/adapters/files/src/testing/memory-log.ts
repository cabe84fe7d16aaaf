import {
  type EventLog,
  type FetchResponse,
  type ProposedRecord,
  type RecordColumns,
  recordsOf,
  type SourceProgress,
} from '@riskledger/contracts'

/** A log in memory for tests of what is written: atomic appends, progress in order of first start, nothing durable. */
export class MemoryLog implements EventLog {
  readonly records: ProposedRecord[] = []
  readonly progress = new Map<string, SourceProgress>()
  appends = 0
  /** The append of this number (from 1) and all after it are refused. */
  failAt = Infinity

  constructor(readonly partitionCount = 1) {}

  async append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    if (++this.appends >= this.failAt) throw new Error('the log refuses')
    const copies = records.map((record) => ({ ...record, key: record.key && record.key.slice(), value: record.value.slice() }))
    await new Promise((resolve) => setImmediate(resolve))
    const first = this.records.length
    this.records.push(...copies)
    if (progress !== undefined) this.progress.set(progress.sourceId, progress)
    return records.map((_record, index) => first + index)
  }

  async appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void> {
    await this.append(recordsOf(columns), progress)
  }

  async sources(): Promise<readonly SourceProgress[]> {
    return [...this.progress.values()]
  }

  fetch(): Promise<FetchResponse> {
    throw new Error('this log is only written to')
  }

  range(): Promise<{ readonly start: number; readonly end: number }> {
    throw new Error('this log is only written to')
  }

  changed(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** The log's content as text, to compare two logs by. */
  content(): string[] {
    return this.records.map((record) =>
      [
        record.topic,
        record.partition,
        record.brokerTimeMs,
        record.orderTimeMs,
        record.key === null ? '-' : Buffer.from(record.key).toString(),
        Buffer.from(record.value).toString('hex'),
      ].join(' '),
    )
  }
}
