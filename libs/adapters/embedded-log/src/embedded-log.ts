import assert from 'node:assert'
import { existsSync, realpathSync } from 'node:fs'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { topicIndexOf } from '@riskledger/contracts'
import type {
  EventLog,
  FetchRequest,
  FetchResponse,
  LogRecord,
  ProposedRecord,
  RawTopic,
  RecordColumns,
  SourceProgress,
} from '@riskledger/contracts'
import { StoredBatch } from './batch-codec'
import { ChangeSignal } from './change-signal'
import { columnsOf } from './columns-of'
import { checkForm } from './log-form'
import { decodeHead, decodeTally } from './log-head'
import type { LogHead } from './log-head'
import { baseOffsetOf, batchKey, headKey, TALLY_KEY } from './log-keys'
import type { LogStore } from './log-store'
import { LogWriter, offsetsOf } from './log-writer'
import type { AppendedBatches, CrashPoint } from './log-writer'
import { openLmdbLogStore } from './lmdb-log-store'
import { readSources } from './source-progress'

/** Where the log lies and what it may hold. */
export interface EmbeddedLogOptions {
  /** Folder of the LMDB environment; created where it is missing, unless `readOnly`. */
  readonly folder: string
  /** Partitions of every topic, 1 to 1024. Fixed when the folder is made; another number is refused afterwards. */
  readonly partitionCount: number
  /** Only reads; the folder must exist. Default false. */
  readonly readOnly?: boolean
  /** Oldest batches of a topic and partition go once it holds more than this; the newest always stays. Default: nothing goes. */
  readonly retentionBytes?: number
  /** Address space to begin with; LMDB takes more when it needs it. Default 64 GiB, none of it on disk before it is used. */
  readonly mapSizeBytes?: number
  /** Bytes of all batches together; an append that would exceed it is refused with `limit-reached`. Default 64 GiB. */
  readonly maxLogBytes?: number
  /** Key and value together; more is refused with `record-too-large`. Default and most 16 MiB. */
  readonly maxRecordBytes?: number
  /** A stored batch closes at this many records. Default 8,192. */
  readonly maxBatchRecords?: number
  /** A stored batch closes before it exceeds this many bytes of keys and values; one larger record has a batch to itself. Default 1 MiB. */
  readonly maxBatchBytes?: number
  /** Called at named moments, for tests that kill the process there. */
  readonly crashPoint?: (name: CrashPoint) => void
  /** Opens what lies under the log. Default LMDB in `folder`. */
  readonly openStore?: () => LogStore
}

/** A log that can be checked without its records being made. */
export interface CheckableLog extends EventLog {
  /**
   * Checks the stored batch that holds this offset, as `fetch` does before it gives any record of it, and returns the offset past what can be
   * read of it. Throws what `fetch` throws.
   */
  checkBatch(place: BatchPlace): number
}

/** An offset of a topic and partition. */
type BatchPlace = Pick<FetchRequest, 'topic' | 'partition' | 'fromOffset'>

/**
 * Opens the embedded log: a durable `EventLog` in one LMDB environment, for one machine. One process appends, in any number of calls in
 * flight (they share flushes); threads and other processes read what is flushed, each through a log of its own.
 *
 * Records are kept as batches with a checksum, one value per batch. Bytes given to `append` are copied before it returns; records that
 * `fetch` returns are views on a copy of their batch, shared by all fetches of this log: do not write to them, and copy what is kept for long.
 * Errors: `configuration-invalid`, `data-folder-format`, `not-found` (read only and missing), `record-too-large`, `disk-full`,
 * `limit-reached`, `log-corrupt`, `log-unavailable`, `offset-out-of-range`; none is retriable.
 */
export function openEmbeddedLog(options: EmbeddedLogOptions): CheckableLog {
  const { folder, partitionCount, readOnly = false, mapSizeBytes = 64 * 2 ** 30 } = options
  if (endianness() !== 'LE')
    throw new RiskError('configuration-invalid', 'The embedded log needs a little-endian machine.', { retriable: false })
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 1024)
    throw new RiskError('configuration-invalid', `The number of partitions must be 1 to 1024, not ${partitionCount}.`, { retriable: false })
  if (readOnly && options.openStore === undefined && !existsSync(join(folder, 'data.mdb')))
    throw new RiskError('not-found', `There is no log in ${folder}.`, { retriable: false, context: { folder } })
  const store = options.openStore === undefined ? openLmdbLogStore({ folder, readOnly, mapSizeBytes }) : options.openStore()
  try {
    checkForm(store, { folder, partitionCount, readOnly })
    return new EmbeddedLog(store, options)
  } catch (error) {
    void store.close()
    throw error
  }
}

class EmbeddedLog implements CheckableLog {
  readonly partitionCount: number
  private readonly writer: LogWriter | undefined
  private readonly signal: ChangeSignal
  /** The batch read last of each topic and partition: many small fetches then read a batch once. */
  private readonly lastBatch = new Map<number, StoredBatch>()
  private closed = false

  constructor(
    private readonly store: LogStore,
    private readonly options: EmbeddedLogOptions,
  ) {
    const { folder, partitionCount, readOnly = false } = options
    this.partitionCount = partitionCount
    this.signal = new ChangeSignal(`riskledger-log:${realpathSync(folder)}`, () => this.version())
    this.writer = readOnly ? undefined : new LogWriter(store, options, () => this.signal.announce())
  }

  async append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    return offsetsOf(await this.write(columnsOf(records), progress))
  }

  async appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void> {
    await this.write(columns, progress)
  }

  async fetch(request: FetchRequest): Promise<FetchResponse> {
    this.assertOpen()
    const { topic, partition, fromOffset, maxRecords, maxBytes } = request
    assert(maxRecords >= 1, 'maxRecords must be at least 1')
    const head = this.head(topic, partition)
    if (!(fromOffset >= head.start && fromOffset <= head.end)) throw outOfRange(request, head)
    const records: LogRecord[] = []
    let offset = fromOffset
    let bytes = 0
    let full = false
    while (!full && offset < head.end && records.length < maxRecords) {
      const batch = this.batchAt(request, offset)
      const end = Math.min(batch.endOffset, head.end, offset + maxRecords - records.length)
      for (; offset < end; offset++) {
        bytes += batch.valueBytes(offset)
        if (bytes > maxBytes && records.length > 0) {
          full = true
          break
        }
        records.push(batch.record(topic, partition, offset))
      }
    }
    return { records, nextOffset: offset, highWatermark: head.end, gaps: [] }
  }

  checkBatch(place: BatchPlace): number {
    this.assertOpen()
    const { topic, partition, fromOffset } = place
    const head = this.head(topic, partition)
    if (!(fromOffset >= head.start && fromOffset < head.end)) throw outOfRange(place, head)
    return Math.min(this.batchAt(place, fromOffset).endOffset, head.end)
  }

  async range(topic: RawTopic, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    this.assertOpen()
    const { start, end } = this.head(topic, partition)
    return { start, end }
  }

  async sources(): Promise<readonly SourceProgress[]> {
    this.assertOpen()
    this.store.refresh()
    return readSources(this.store)
  }

  async changed(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    this.assertOpen()
    await this.signal.wait(timeoutMs, signal)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.writer?.drain()
    this.signal.close()
    await this.store.close()
  }

  private write(columns: RecordColumns, progress: SourceProgress | undefined): Promise<AppendedBatches> {
    this.assertOpen()
    if (this.writer === undefined)
      throw new RiskError('log-unavailable', `The log in ${this.options.folder} is open for reading only.`, { retriable: false })
    return this.writer.append(columns, progress)
  }

  private head(topic: RawTopic, partition: number): LogHead {
    assert(partition >= 0 && partition < this.partitionCount, `partition ${partition} of ${this.partitionCount}`)
    this.store.refresh()
    return decodeHead(this.store.get(headKey(topicIndexOf(topic), partition)))
  }

  private version(): number {
    this.store.refresh()
    return decodeTally(this.store.get(TALLY_KEY)).version
  }

  private batchAt(request: BatchPlace, offset: number): StoredBatch {
    const { topic, partition } = request
    const topicIndex = topicIndexOf(topic)
    const slot = topicIndex * this.partitionCount + partition
    const last = this.lastBatch.get(slot)
    if (last !== undefined && offset >= last.baseOffset && offset < last.endOffset) return last
    const key =
      last?.endOffset === offset ? batchKey(topicIndex, partition, offset) : this.store.floorKey(batchKey(topicIndex, partition, offset))
    const baseOffset = key === undefined ? undefined : baseOffsetOf(key, topicIndex, partition)
    if (key === undefined || baseOffset === undefined) throw this.corrupt(request, offset, 'is missing')
    const bytes = this.store.get(key)
    if (bytes === undefined) throw this.corrupt(request, baseOffset, 'is missing')
    const batch = StoredBatch.open(bytes, baseOffset)
    if (batch === undefined) throw this.corrupt(request, baseOffset, 'does not match its checksum')
    if (offset >= batch.endOffset) throw this.corrupt(request, offset, 'is missing')
    this.lastBatch.set(slot, batch)
    return batch
  }

  private corrupt({ topic, partition }: BatchPlace, baseOffset: number, what: string): RiskError {
    const { folder } = this.options
    const message = `The log in ${folder} is damaged: the batch of ${topic}, partition ${partition}, at offset ${baseOffset} ${what}. Restore the folder from a backup.`
    return new RiskError('log-corrupt', message, { retriable: false, context: { folder, topic, partition, baseOffset } })
  }

  private assertOpen(): void {
    if (this.closed) throw new RiskError('log-unavailable', `The log in ${this.options.folder} is closed.`, { retriable: false })
  }
}

function outOfRange({ topic, partition, fromOffset }: BatchPlace, { start, end }: LogHead): RiskError {
  const message = `Offset ${fromOffset} of ${topic}, partition ${partition}, is outside the log, which holds [${start}, ${end}). Nothing was skipped; the missing records must come from a backup.`
  return new RiskError('offset-out-of-range', message, { retriable: false, context: { topic, partition, offset: fromOffset, start, end } })
}
