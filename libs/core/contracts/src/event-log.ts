import type { RecordColumns } from './record-columns'
import type { RawTopic } from './topics'

/** A record as it lies in the log. */
export interface LogRecord {
  readonly topic: RawTopic
  readonly partition: number
  /** Position in its topic and partition, from 0, without holes in the embedded log. */
  readonly offset: number
  /** The log's own time of the record, epoch milliseconds. For a file: min(event time, start of the import). */
  readonly brokerTimeMs: number
  /**
   * How far its file source had read, in event time, when it emitted this record: max over the emissions so far, itself
   * included. Never decreases along a topic. Undefined for a record that did not come from a file.
   */
  readonly orderTimeMs: number | undefined
  /** UTF-8 of the account id, or null where none could be told. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array
}

/** A record on its way in; the log gives it its offset. */
export type ProposedRecord = Omit<LogRecord, 'offset'>

/** How far a file import has come; stored in one transaction with the records that it covers. */
export interface SourceProgress {
  /** SHA-256 (hex) over the files and the mapping: the same content is the same source. */
  readonly sourceId: string
  /** Emissions already in the log; a resumed import makes the same emissions again and skips this many. */
  readonly emissions: number
  /** Largest orderTimeMs so far: every later record of this source has an orderTimeMs at or above it. */
  readonly orderTimeMs: number
  /** Wall time at which the import first began; survives a restart, so that a resumed import equals an undisturbed one. */
  readonly startedAtMs: number
  /** True once the last record is in. */
  readonly done: boolean
}

export interface FetchRequest {
  readonly topic: RawTopic
  readonly partition: number
  readonly fromOffset: number
  /** Stop after this many records. */
  readonly maxRecords: number
  /** Stop after this many bytes of values, but always give at least one record if there is one. */
  readonly maxBytes: number
}

export interface FetchResponse {
  readonly records: readonly LogRecord[]
  /** Where to go on: past the records and past any gap. */
  readonly nextOffset: number
  readonly highWatermark: number
  /** Offsets passed over that hold no record for us (transaction markers, aborted or compacted records). */
  readonly gaps: readonly { readonly fromOffset: number; readonly toOffset: number; readonly reason: string }[]
}

/**
 * A partitioned, durable log of raw events: Kafka, or the embedded one.
 * Offsets outside `[logStart, highWatermark]` are refused with `offset-out-of-range`, never reset.
 */
export interface EventLog {
  readonly partitionCount: number
  /** Resolves to the offset of each record, in order, once they are durable (flushed, not only committed). All or nothing. */
  append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]>
  /**
   * Appends as `append` does what the columns hold, for who makes records faster than objects can be made of them. Everything is copied
   * before it returns: the columns may be filled anew at once. Resolves once the records are durable; all or nothing.
   */
  appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void>
  fetch(request: FetchRequest): Promise<FetchResponse>
  /** The offsets that can be read: `[start, end)`. */
  range(topic: RawTopic, partition: number): Promise<{ readonly start: number; readonly end: number }>
  /** Every file source that ever wrote here, in order of its start. */
  sources(): Promise<readonly SourceProgress[]>
  /** Resolves when something may have been appended or announced since the call, or after `timeoutMs`. */
  changed(timeoutMs: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
