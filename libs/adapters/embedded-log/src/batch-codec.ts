import { crc32 } from 'node:zlib'
import type { LogRecord, ProposedRecord, RawTopic } from '@riskledger/contracts'

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
const NO_KEY = 0x80000000
const ORDER_NONE = 0
const ORDER_COLUMN = 1
const ORDER_EQUALS_BROKER = 2

/** A batch that is being filled; its offset comes last, with {@link sealBatch}. */
export interface OpenBatch {
  readonly bytes: Uint8Array
  readonly count: number
  readonly bodyCrc: number
}

/** Encodes records of one topic and partition, copying their bytes. The caller bounds count and size. */
export function encodeBatch(records: readonly ProposedRecord[], dataBytes: number): OpenBatch {
  const count = records.length
  const orderKind = orderKindOf(records)
  const columns = orderKind === ORDER_COLUMN ? 24 : 16
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + count * columns + dataBytes)
  const times = new Float64Array(bytes.buffer, HEADER_BYTES, orderKind === ORDER_COLUMN ? count * 2 : count)
  const ends = new Uint32Array(bytes.buffer, HEADER_BYTES + times.byteLength, count * 2)
  const dataStart = HEADER_BYTES + count * columns
  let at = dataStart
  for (let i = 0; i < count; i++) {
    const record = records[i]
    times[i] = record.brokerTimeMs
    if (orderKind === ORDER_COLUMN) times[count + i] = record.orderTimeMs === undefined ? NaN : record.orderTimeMs
    const key = record.key
    if (key === null) ends[i] = ((at - dataStart) | NO_KEY) >>> 0
    else {
      at = copyInto(bytes, key, at)
      ends[i] = at - dataStart
    }
    at = copyInto(bytes, record.value, at)
    ends[count + i] = at - dataStart
  }
  const header = new Uint32Array(bytes.buffer, 0, 6)
  header[1] = count
  header[4] = MAGIC
  header[5] = orderKind
  return { bytes, count, bodyCrc: crc32(bytes.subarray(16)) }
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
    return this.ends[this.count + i] - (this.ends[i] & ~NO_KEY)
  }

  /** The record at an offset in `[baseOffset, endOffset)`. */
  record(topic: RawTopic, partition: number, offset: number): LogRecord {
    const i = offset - this.baseOffset
    const start = i === 0 ? 0 : this.ends[this.count + i - 1]
    const keyEnd = this.ends[i]
    const valueStart = keyEnd & ~NO_KEY
    const brokerTimeMs = this.times[i]
    return {
      topic,
      partition,
      offset,
      brokerTimeMs,
      orderTimeMs: this.orderKind === ORDER_NONE ? undefined : this.orderKind === ORDER_EQUALS_BROKER ? brokerTimeMs : this.orderTime(i),
      key: keyEnd >= NO_KEY ? null : this.data.subarray(start, valueStart),
      value: this.data.subarray(valueStart, this.ends[this.count + i]),
    }
  }

  private orderTime(i: number): number | undefined {
    const time = this.times[this.count + i]
    return time === time ? time : undefined
  }
}

function orderKindOf(records: readonly ProposedRecord[]): number {
  let none = true
  let equal = true
  for (let i = 0; i < records.length && (none || equal); i++) {
    const { orderTimeMs } = records[i]
    if (orderTimeMs !== undefined) none = false
    if (orderTimeMs !== records[i].brokerTimeMs) equal = false
  }
  return none ? ORDER_NONE : equal ? ORDER_EQUALS_BROKER : ORDER_COLUMN
}

/** A plain loop beats `set` for short keys: no call into the runtime. */
function copyInto(target: Uint8Array, source: Uint8Array, at: number): number {
  const length = source.length
  if (length > 24) target.set(source, at)
  else for (let i = 0; i < length; i++) target[at + i] = source[i]
  return at + length
}
