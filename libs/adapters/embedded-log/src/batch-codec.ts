import { crc32 } from 'node:zlib'
import { type LogRecord, NO_KEY, type RawTopic, type RecordColumns } from '@riskledger/contracts'
import type { PlannedBatch } from './batch-plan'

/*
 * A stored batch, little-endian; columns first, so that a reader reaches any record without a scan:
 *
 *   0  u32  CRC-32 over bytes [4, 16), continued from the CRC-32 of bytes [16, end)
 *   4  u32  count
 *   8  f64  offset of the first record
 *   16 u32  'RLB1'
 *   20 u32  order times: 0 none, 1 a column of their own, 2 equal to the broker times
 *   24 f64  broker time, epoch milliseconds     x count
 *      f64  order time, NaN where undefined     x count, only for kind 1
 *      u32  end of the key, top bit: no key     x count, relative to the data
 *      u32  end of the record                   x count, relative to the data
 *      ...  data: key, value, key, value, ...
 *
 * The checksum is split so that the body's part can be computed before the offset is known.
 */
const HEADER_BYTES = 24
const MAGIC = 0x31424c52
const NO_KEY_BIT = 0x80000000
/** No record of the batch has an order time. */
export const ORDER_NONE = 0
/** The order times have a column of their own. */
export const ORDER_COLUMN = 1
/** Each order time equals the broker time. */
export const ORDER_EQUALS_BROKER = 2
/** How a batch holds its order times. */
export type OrderKind = typeof ORDER_NONE | typeof ORDER_COLUMN | typeof ORDER_EQUALS_BROKER

/** A batch that is being filled; its offset comes last, with {@link sealBatch}. */
export interface OpenBatch {
  readonly bytes: Uint8Array
  readonly count: number
  readonly bodyCrc: number
}

/** Encodes all records into the batches that were planned for them, copying their bytes: what follows in one batch is copied at once. */
export function encodeBatches(
  columns: RecordColumns,
  { batches, batchOf }: { readonly batches: readonly PlannedBatch[]; readonly batchOf: Uint32Array },
): void {
  const fillings = batches.map((batch) => new BatchFilling(batch))
  const { count } = columns
  for (let from = 0; from < count;) {
    const batch = batchOf[from]
    let to = from + 1
    while (to < count && batchOf[to] === batch) to++
    fillings[batch].add(columns, from, to)
    from = to
  }
  for (let i = 0; i < batches.length; i++) batches[i].encoded = fillings[i].close()
}

class BatchFilling {
  private readonly bytes: Buffer
  private readonly times: Float64Array
  private readonly ends: Uint32Array
  private readonly dataStart: number
  private filled = 0
  private dataBytes = 0

  constructor(private readonly batch: PlannedBatch) {
    const { count, dataBytes, orderKind } = batch
    const columns = orderKind === ORDER_COLUMN ? 24 : 16
    this.dataStart = HEADER_BYTES + count * columns
    this.bytes = Buffer.allocUnsafeSlow(this.dataStart + dataBytes)
    this.times = new Float64Array(this.bytes.buffer, HEADER_BYTES, orderKind === ORDER_COLUMN ? count * 2 : count)
    this.ends = new Uint32Array(this.bytes.buffer, HEADER_BYTES + this.times.byteLength, count * 2)
  }

  /** Adds the records `[from, to)`. */
  add(columns: RecordColumns, from: number, to: number): void {
    const { times, ends } = this
    const { count, orderKind } = this.batch
    const { brokerTimesMs, orderTimesMs, keyEnds } = columns
    const start = from === 0 ? 0 : columns.ends[from - 1]
    // What is added to a place in the columns' bytes to give one in the batch's data.
    const shift = this.dataBytes - start
    let filled = this.filled
    let recordStart = this.dataBytes
    for (let i = from; i < to; i++, filled++) {
      times[filled] = brokerTimesMs[i]
      if (orderKind === ORDER_COLUMN) times[count + filled] = orderTimesMs[i]
      ends[filled] = keyEnds[i] === NO_KEY ? (recordStart | NO_KEY_BIT) >>> 0 : keyEnds[i] + shift
      recordStart = columns.ends[i] + shift
      ends[count + filled] = recordStart
    }
    copyInto(this.bytes, this.dataStart + this.dataBytes, columns.bytes, start, recordStart - this.dataBytes)
    this.dataBytes = recordStart
    this.filled = filled
  }

  close(): OpenBatch {
    const { bytes } = this
    const { count, orderKind } = this.batch
    const header = new Uint32Array(bytes.buffer, 0, 6)
    header[1] = count
    header[4] = MAGIC
    header[5] = orderKind
    return { bytes, count, bodyCrc: crc32(bytes.subarray(16)) }
  }
}

/** Writes the offset and the checksum into a batch; may be called again with another offset. */
export function sealBatch(batch: OpenBatch, baseOffset: number): Uint8Array {
  const { bytes } = batch
  new Float64Array(bytes.buffer, 8, 1)[0] = baseOffset
  new Uint32Array(bytes.buffer, 0, 1)[0] = crc32(bytes.subarray(4, 16), batch.bodyCrc)
  return bytes
}

/** A batch read back: views on one private copy of its bytes. */
export class StoredBatch {
  readonly baseOffset: number
  readonly endOffset: number
  private readonly count: number
  private readonly orderKind: number
  private readonly times: Float64Array
  private readonly ends: Uint32Array
  private readonly data: Buffer

  private constructor(bytes: Uint8Array, header: Uint32Array) {
    const { buffer } = bytes
    this.count = header[1]
    this.orderKind = header[5]
    this.baseOffset = new Float64Array(buffer, bytes.byteOffset + 8, 1)[0]
    this.endOffset = this.baseOffset + this.count
    this.times = new Float64Array(buffer, bytes.byteOffset + HEADER_BYTES, this.orderKind === ORDER_COLUMN ? this.count * 2 : this.count)
    this.ends = new Uint32Array(buffer, this.times.byteOffset + this.times.byteLength, this.count * 2)
    const dataStart = this.ends.byteOffset + this.ends.byteLength
    this.data = Buffer.from(buffer, dataStart, bytes.byteOffset + bytes.byteLength - dataStart)
  }

  /** Checks and opens a batch; undefined where its checksum, form or offset is not what it should be. `bytes` must be private to the caller. */
  static open(bytes: Uint8Array, baseOffset: number): StoredBatch | undefined {
    if (bytes.byteLength < HEADER_BYTES) return undefined
    const own = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes)
    const header = new Uint32Array(own.buffer, own.byteOffset, 6)
    if (header[0] !== crc32(own.subarray(4, 16), crc32(own.subarray(16)))) return undefined
    const columns = header[5] === ORDER_COLUMN ? 24 : 16
    if (header[4] !== MAGIC || own.byteLength < HEADER_BYTES + header[1] * columns) return undefined
    const batch = new StoredBatch(own, header)
    return batch.baseOffset === baseOffset ? batch : undefined
  }

  /** Bytes of the value at this offset. */
  valueBytes(offset: number): number {
    const i = offset - this.baseOffset
    return this.ends[this.count + i] - (this.ends[i] & ~NO_KEY_BIT)
  }

  /** The record at an offset in `[baseOffset, endOffset)`. */
  record(topic: RawTopic, partition: number, offset: number): LogRecord {
    const i = offset - this.baseOffset
    const start = i === 0 ? 0 : this.ends[this.count + i - 1]
    const keyEnd = this.ends[i]
    const valueStart = keyEnd & ~NO_KEY_BIT
    const brokerTimeMs = this.times[i]
    return {
      topic,
      partition,
      offset,
      brokerTimeMs,
      orderTimeMs: this.orderKind === ORDER_NONE ? undefined : this.orderKind === ORDER_EQUALS_BROKER ? brokerTimeMs : this.orderTime(i),
      key: keyEnd >= NO_KEY_BIT ? null : this.data.subarray(start, valueStart),
      value: this.data.subarray(valueStart, this.ends[this.count + i]),
    }
  }

  private orderTime(i: number): number | undefined {
    const time = this.times[this.count + i]
    return time === time ? time : undefined
  }
}

/** A plain loop beats `set` for a few records: no view, and no call into the runtime. */
function copyInto(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  if (length > 400) target.set(source.subarray(from, from + length), at)
  else for (let i = 0; i < length; i++) target[at + i] = source[from + i]
}
