import assert from 'node:assert'
import { RiskError } from '@riskledger/contracts'
import type { RecordColumns, SourceProgress } from '@riskledger/contracts'
import { encodeBatches, sealBatch } from './batch-codec'
import { planBatches } from './batch-plan'
import type { BatchLimits, PlannedBatch } from './batch-plan'
import { decodeHead, decodeTally, encodeHead, encodeTally } from './log-head'
import type { LogHead } from './log-head'
import { baseOffsetOf, batchKey, headKey, TALLY_KEY } from './log-keys'
import type { LogStore, LogTransaction } from './log-store'
import { SourceProgressWriter } from './source-progress'

/**
 * Moments of an append at which a test may end the process: taken in, nothing written; written inside the transaction and handed over for
 * its commit; flushed, not yet acknowledged.
 */
export type CrashPoint = 'log-append-received' | 'log-append-committed' | 'log-append-flushed'

/** Limits of what is stored; see `EmbeddedLogOptions`. */
export interface LogWriterOptions {
  readonly partitionCount: number
  readonly retentionBytes?: number
  readonly maxLogBytes?: number
  readonly maxRecordBytes?: number
  readonly maxBatchRecords?: number
  readonly maxBatchBytes?: number
  readonly crashPoint?: (name: CrashPoint) => void
}

const MAX_RECORD_BYTES = 16 * 2 ** 20
/** A flush takes in appends up to this many bytes; the rest waits for the next. */
const MAX_GROUP_BYTES = 64 * 2 ** 20

/** Where the records of an append lie. */
export interface AppendedBatches {
  readonly batches: readonly PlannedBatch[]
  /** For each record, which of the batches holds it; within a batch the records keep their order. */
  readonly batchOf: Uint32Array
}

interface PendingAppend {
  readonly appended: AppendedBatches
  readonly bytes: number
  readonly progress: SourceProgress | undefined
  readonly resolve: (appended: AppendedBatches) => void
  readonly reject: (error: unknown) => void
}

/** The log's writing half: one transaction at a time, and every append that waits meanwhile goes into the next one together. */
export class LogWriter {
  private queue: PendingAppend[] = []
  private running: Promise<void> | undefined
  private readonly sources = new SourceProgressWriter()
  private readonly partitionCount: number
  private readonly retentionBytes: number
  private readonly maxLogBytes: number
  private readonly limits: BatchLimits
  private readonly crashPoint: (name: CrashPoint) => void

  constructor(
    private readonly store: LogStore,
    options: LogWriterOptions,
    private readonly onFlushed: () => void,
  ) {
    this.partitionCount = options.partitionCount
    this.retentionBytes = options.retentionBytes ?? Infinity
    this.maxLogBytes = options.maxLogBytes ?? 64 * 2 ** 30
    this.limits = {
      partitionCount: options.partitionCount,
      maxRecordBytes: Math.min(options.maxRecordBytes ?? MAX_RECORD_BYTES, MAX_RECORD_BYTES),
      maxBatchRecords: options.maxBatchRecords ?? 8_192,
      maxBatchBytes: options.maxBatchBytes ?? 2 ** 20,
    }
    this.crashPoint = options.crashPoint ?? (() => undefined)
  }

  /** Plans and encodes at once, so that the caller's buffers are its own again when this returns. */
  append(columns: RecordColumns, progress: SourceProgress | undefined): Promise<AppendedBatches> {
    const batchOf = new Uint32Array(columns.count)
    const batches = planBatches(columns, batchOf, this.limits)
    const appended = { batches, batchOf }
    this.crashPoint('log-append-received')
    if (columns.count === 0 && progress === undefined) return Promise.resolve(appended)
    encodeBatches(columns, appended)
    const bytes = batches.reduce((sum, { encoded }) => sum + (encoded?.bytes.length ?? 0), 0)
    return new Promise((resolve, reject) => {
      this.queue.push({ appended, bytes, progress, resolve, reject })
      this.running ??= this.run()
    })
  }

  /** Resolves once nothing is in flight any more. */
  async drain(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const group = this.takeGroup()
      try {
        await this.store.write(
          (transaction) => this.writeGroup(transaction, group),
          () => this.crashPoint('log-append-committed'),
        )
      } catch (error) {
        this.sources.rolledBack()
        for (const pending of group) pending.reject(error)
        continue
      }
      this.crashPoint('log-append-flushed')
      for (const pending of group) pending.resolve(pending.appended)
      this.onFlushed()
    }
    this.running = undefined
  }

  private takeGroup(): PendingAppend[] {
    let count = 1
    let bytes = this.queue[0].bytes
    while (count < this.queue.length && bytes + this.queue[count].bytes <= MAX_GROUP_BYTES) bytes += this.queue[count++].bytes
    return this.queue.splice(0, count)
  }

  private writeGroup(transaction: LogTransaction, group: readonly PendingAppend[]): void {
    const tally = decodeTally(transaction.get(TALLY_KEY))
    let { bytes } = tally
    const heads = new Map<number, { readonly topicIndex: number; readonly partition: number; readonly head: LogHead }>()
    for (const { appended, progress } of group) {
      for (const batch of appended.batches) {
        const { topicIndex, partition, encoded } = batch
        const slot = topicIndex * this.partitionCount + partition
        let entry = heads.get(slot)
        if (entry === undefined) {
          entry = { topicIndex, partition, head: decodeHead(transaction.get(headKey(topicIndex, partition))) }
          heads.set(slot, entry)
        }
        assert(encoded !== undefined)
        const { head } = entry
        batch.baseOffset = head.end
        transaction.put(batchKey(topicIndex, partition, head.end), sealBatch(encoded, head.end))
        head.end += encoded.count
        head.bytes += encoded.bytes.length
        bytes += encoded.bytes.length
      }
      if (progress !== undefined) this.sources.write(transaction, progress)
    }
    for (const { topicIndex, partition, head } of heads.values()) {
      while (head.bytes > this.retentionBytes) {
        const dropped = this.dropOldest(transaction, { topicIndex, partition, head })
        if (dropped === 0) break
        bytes -= dropped
      }
      transaction.put(headKey(topicIndex, partition), encodeHead(head))
    }
    if (bytes > this.maxLogBytes) throw logFull(this.maxLogBytes)
    transaction.put(TALLY_KEY, encodeTally({ version: tally.version + 1, bytes }))
  }

  /** Drops the oldest batch unless it is the only one; says how many bytes that made free. */
  private dropOldest(
    transaction: LogTransaction,
    entry: { readonly topicIndex: number; readonly partition: number; readonly head: LogHead },
  ): number {
    const { topicIndex, partition, head } = entry
    const [oldest, second] = transaction.keys(batchKey(topicIndex, partition, head.start), batchKey(topicIndex, partition, head.end), 2)
    const start = second === undefined ? undefined : baseOffsetOf(second, topicIndex, partition)
    if (start === undefined) return 0
    const dropped = transaction.get(oldest)?.length ?? 0
    head.bytes -= dropped
    head.start = start
    transaction.remove(oldest)
    return dropped
  }
}

/** The offset of each record of an append that is durable, in order. */
export function offsetsOf({ batches, batchOf }: AppendedBatches): number[] {
  const next = batches.map((batch) => batch.baseOffset)
  const offsets = new Array<number>(batchOf.length)
  for (let i = 0; i < batchOf.length; i++) offsets[i] = next[batchOf[i]]++
  return offsets
}

function logFull(maxLogBytes: number): RiskError {
  const message = `The log has reached its limit of ${maxLogBytes} bytes; nothing was appended. Raise the limit, or set a retention so that the oldest records go.`
  return new RiskError('limit-reached', message, { retriable: false, context: { maxLogBytes } })
}
