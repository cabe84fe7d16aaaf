import { RiskError, type FetchResponse, type LogRecord, type RawTopic } from '@riskledger/contracts'
import { ByteReader } from './byte-reader'
import { decompress, DecompressionError, READABLE_COMPRESSIONS, MAX_OPENED_BYTES } from './decompress'
import type { AbortedTransaction, FetchedPartition } from './fetch-protocol'
import { BATCH_HEADER_BYTES, checksumsOf, isAbortMarker, readBatchHeader, readRecord, type BatchHeader } from './record-batch'

/** Why offsets were passed over. Compaction and the cleaning of old transaction markers and aborted records leave the same hole: both are `compacted`. */
export type GapReason = 'transaction-marker' | 'aborted' | 'compacted'

type LogGap = FetchResponse['gaps'][number]

/** What a take gives: records and gaps in order of offset, and where the next take goes on. */
export interface Taken {
  readonly records: readonly LogRecord[]
  readonly gaps: readonly LogGap[]
  readonly nextOffset: number
}

export interface TakeLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

/** Whole batches of one fetch, as they came, and the transactions that were aborted among them. */
interface Segment {
  readonly bytes: Buffer
  readonly abortedTransactions: AbortedTransaction[]
}

/** A batch whose records are being given out. */
interface OpenBatch {
  readonly header: BatchHeader
  readonly reader: ByteReader
  left: number
}

/**
 * What was fetched of one topic and partition and not given out yet. Batches wait as they came, so that a full buffer is the bytes that
 * it says, and are decoded when they are taken. Records are views on them. Nothing is given out of a batch that does not match its checksum, nor
 * of what follows it.
 *
 * Between the offset asked for and the last one fetched, every offset is given out once: as a record or within a gap.
 */
export class PartitionBuffer {
  private segments: Segment[] = []
  private at = 0
  private open: OpenBatch | null = null
  private readonly abortedProducers = new Set<bigint>()
  private lastTimeMs: number | null = null
  /** Next offset to give out. */
  nextOffset: number
  /** Next offset to fetch: past everything that waits here. */
  fetchOffset: number
  /** Bytes that wait. */
  bytes = 0

  constructor(
    private readonly place: { readonly topic: RawTopic; readonly partition: number; readonly kafkaTopic: string },
    fromOffset: number,
  ) {
    this.nextOffset = this.fetchOffset = fromOffset
  }

  /** Takes in what a fetch at `fetchOffset` brought. Throws `log-corrupt` for batches that cannot be told apart. */
  add({ batches, abortedTransactions }: FetchedPartition): void {
    if (batches.length === 0) return
    let at = 0
    let endOffset = this.fetchOffset
    for (;;) {
      const header = this.guarded(() => readBatchHeader(batches, at), endOffset)
      if (header === null) break
      at += header.bytes
      endOffset = Math.max(endOffset, header.endOffset)
    }
    if (at === 0) throw this.corrupt(endOffset, 'a fetch brought no whole batch')
    // A view of a small part would keep the whole response in memory.
    const bytes = 2 * at < batches.buffer.byteLength ? Buffer.from(batches.subarray(0, at)) : batches.subarray(0, at)
    this.segments.push({ bytes, abortedTransactions: [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset) })
    this.bytes += at
    this.fetchOffset = endOffset
  }

  /** Gives out what waits, up to the limits; but always one record if there is one. Nothing else may take meanwhile. */
  async take({ maxRecords, maxBytes }: TakeLimits): Promise<Taken> {
    const records: LogRecord[] = []
    const gaps: LogGap[] = []
    let bytes = 0
    while (records.length < maxRecords) {
      let batch: OpenBatch | null
      try {
        batch = this.open ?? (await this.openNext(gaps))
      } catch (error) {
        // What lies before it is given out first; the next take meets it again.
        if (records.length === 0 && gaps.length === 0) throw error
        break
      }
      if (batch === null) break
      if (batch.left === 0) {
        this.finish(batch, gaps)
        continue
      }
      const start = batch.reader.at
      const record = this.guarded(() => readRecord(batch.reader, batch.header), this.nextOffset)
      const value = record.value ?? NOTHING
      if (record.offset >= this.nextOffset) {
        if (records.length > 0 && bytes + value.length > maxBytes) {
          batch.reader.at = start
          break
        }
        this.skipTo(record.offset, { reason: 'compacted', gaps })
        this.nextOffset = record.offset + 1
        this.lastTimeMs = record.timeMs
        bytes += value.length
        const { topic, partition } = this.place
        const { offset, key, timeMs } = record
        records.push({ topic, partition, offset, brokerTimeMs: timeMs, orderTimeMs: undefined, key, value })
      }
      if (--batch.left === 0) this.finish(batch, gaps)
    }
    return { records, gaps, nextOffset: this.nextOffset }
  }

  /** Broker time of what is given out next, to the accuracy of its batch; of what was given out last, where nothing waits; null before anything came. */
  unreadTimeMs(): number | null {
    const header = this.open?.header ?? (this.segments.length > 0 ? readBatchHeader(this.segments[0].bytes, this.at) : null)
    return header === null ? this.lastTimeMs : (header.appendTimeMs ?? header.baseTimeMs)
  }

  /** Opens the next batch that holds records for us; passes over the others. Null once nothing waits. */
  private async openNext(gaps: LogGap[]): Promise<OpenBatch | null> {
    while (this.segments.length > 0) {
      const { bytes, abortedTransactions } = this.segments[0]
      const header = this.guarded(() => readBatchHeader(bytes, this.at), this.nextOffset)
      if (header === null) {
        this.segments.shift()
        this.at = 0
        this.abortedProducers.clear()
        continue
      }
      this.assertUnaltered(bytes, header)
      while (abortedTransactions.length > 0 && abortedTransactions[0].firstOffset < header.endOffset) {
        this.abortedProducers.add(abortedTransactions.shift()!.producerId)
      }
      if (header.endOffset > this.nextOffset) this.skipTo(header.baseOffset, { reason: 'compacted', gaps })
      const batch = { header, reader: this.readerOf(bytes), left: header.count }
      if (header.control) {
        if (header.count > 0 && this.guarded(() => isAbortMarker(readRecord(batch.reader, header)), this.nextOffset))
          this.abortedProducers.delete(header.producerId)
        this.skipTo(header.endOffset, { reason: 'transaction-marker', gaps })
        this.close(batch)
      } else if (header.transactional && this.abortedProducers.has(header.producerId)) {
        this.skipTo(header.endOffset, { reason: 'aborted', gaps })
        this.close(batch)
      } else {
        this.open = header.compression === 0 ? batch : { ...batch, reader: await this.decompressed(bytes, header) }
        return this.open
      }
    }
    return null
  }

  private readerOf(bytes: Buffer): ByteReader {
    const reader = new ByteReader(bytes)
    reader.at = this.at + BATCH_HEADER_BYTES
    return reader
  }

  private finish(batch: OpenBatch, gaps: LogGap[]): void {
    this.skipTo(batch.header.endOffset, { reason: 'compacted', gaps })
    this.close(batch)
  }

  private close({ header }: OpenBatch): void {
    this.open = null
    this.at += header.bytes
    this.bytes -= header.bytes
  }

  private skipTo(offset: number, { reason, gaps }: { readonly reason: GapReason; readonly gaps: LogGap[] }): void {
    if (offset <= this.nextOffset) return
    const last = gaps.at(-1)
    if (last !== undefined && last.toOffset === this.nextOffset && last.reason === reason) gaps.pop()
    const fromOffset = last !== undefined && last.toOffset === this.nextOffset && last.reason === reason ? last.fromOffset : this.nextOffset
    gaps.push({ fromOffset, toOffset: offset, reason })
    this.nextOffset = offset
  }

  private async decompressed(bytes: Buffer, header: BatchHeader): Promise<ByteReader> {
    const compressed = bytes.subarray(this.at + BATCH_HEADER_BYTES, this.at + header.bytes)
    try {
      return new ByteReader(await decompress(header.compression, { bytes: compressed, maxBytes: MAX_OPENED_BYTES }))
    } catch (error) {
      if (!(error instanceof DecompressionError)) throw error
      if (error.known)
        throw this.corrupt(
          header.baseOffset,
          `the ${error.compression} batch cannot be opened, or holds more than ${MAX_OPENED_BYTES} bytes`,
          error,
        )
      const { kafkaTopic, partition } = this.place
      throw new RiskError(
        'configuration-invalid',
        `The records of ${kafkaTopic}, partition ${partition}, from offset ${header.baseOffset} on are compressed with ${error.compression}, which is not read ` +
          `(${READABLE_COMPRESSIONS} are). Set compression.type=gzip on the topic, so that the broker converts what comes, and let publishers send what is there again.`,
        {
          retriable: false,
          cause: error,
          context: { topic: kafkaTopic, partition, offset: header.baseOffset, compression: error.compression },
        },
      )
    }
  }

  /** Here and not where batches come in, so that what lies before an altered one is given out. */
  private assertUnaltered(bytes: Buffer, header: BatchHeader): void {
    const { carried, computed } = checksumsOf(bytes, this.at, header)
    if (carried === computed) return
    const { kafkaTopic, partition } = this.place
    const { baseOffset: offset } = header
    throw new RiskError(
      'log-corrupt',
      `The batch of ${kafkaTopic}, partition ${partition}, that begins at offset ${offset} carries the checksum ${hex(carried)}, and its bytes give ${hex(computed)}: it was altered ` +
        'after it was published. Nothing of it was read. Start again; if it fails again it is not the network: compare the replicas with kafka-dump-log --deep-iteration, and let the ' +
        'broker whose copy is damaged fetch it anew from another.',
      { retriable: false, context: { topic: kafkaTopic, partition, offset, carried: hex(carried), computed: hex(computed) } },
    )
  }

  private guarded<T>(read: () => T, offset: number): T {
    try {
      return read()
    } catch (error) {
      if (error instanceof RangeError) throw this.corrupt(offset, error.message, error)
      throw error
    }
  }

  private corrupt(offset: number, what: string, cause?: unknown): RiskError {
    const { kafkaTopic, partition } = this.place
    const message = `A batch of ${kafkaTopic}, partition ${partition}, near offset ${offset} cannot be read: ${what}. Look at it with kafka-dump-log on the broker.`
    return new RiskError('log-corrupt', message, { retriable: false, cause, context: { topic: kafkaTopic, partition, offset } })
  }
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}

const NOTHING = new Uint8Array(0)
