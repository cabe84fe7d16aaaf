import { ByteReader } from './byte-reader'
import { crc32c } from './crc32c'

/**
 * A record batch as it lies in Kafka's log and travels (message format 2, since Kafka 0.11):
 *
 *     0  int64  baseOffset             27 int64  baseTimestamp
 *     8  int32  length from here on    35 int64  maxTimestamp
 *     12 int32  partitionLeaderEpoch   43 int64  producerId
 *     16 int8   magic = 2              51 int16  producerEpoch
 *     17 uint32 CRC-32C from here on   53 int32  baseSequence
 *     21 int16  attributes             57 int32  number of records
 *     23 int32  lastOffsetDelta        61        records, compressed together
 *
 * Attributes: bits 0-2 compression, 3 timestamps are the broker's, 4 in a transaction, 5 control batch.
 * A record: varint length, int8 attributes, varint timestampDelta, varint offsetDelta, key, value (each varint length, -1 for null), varint
 * number of headers, headers (key, value).
 */
export const BATCH_HEADER_BYTES = 61
export const CRC_FROM = 21
/** Bytes before those that the batch's length counts. */
export const LENGTH_FROM = 12

const MAGIC = 2
const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

/** What the header of a batch says; offsets are kept through compaction, so they may span more than the records. */
export interface BatchHeader {
  /** Bytes of the whole batch. */
  readonly bytes: number
  readonly baseOffset: number
  /** Offset past the batch. */
  readonly endOffset: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number
  /** The broker's time of all its records; null where each carries its publisher's. */
  readonly appendTimeMs: number | null
  readonly baseTimeMs: number
  readonly transactional: boolean
  readonly control: boolean
  readonly producerId: bigint
  readonly count: number
}

/** A record within a batch; key and value are views. */
export interface BatchRecord {
  readonly offset: number
  readonly timeMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/**
 * The header of the batch at `at`; null where the bytes end within the batch, as the last one of a fetch may. Throws `RangeError` for
 * another message format.
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader | null {
  if (at + BATCH_HEADER_BYTES > bytes.length) return null
  const reader = new ByteReader(bytes)
  reader.at = at
  const baseOffset = reader.int64()
  const length = reader.int32()
  reader.at = at + 16
  const magic = reader.int8()
  if (magic !== MAGIC) throw new RangeError(`message format ${magic}; only format 2 (since Kafka 0.11) is read`)
  if (length < BATCH_HEADER_BYTES - LENGTH_FROM) throw new RangeError(`batch of ${length} bytes`)
  if (at + LENGTH_FROM + length > bytes.length) return null
  reader.at = at + CRC_FROM
  const attributes = reader.int16()
  const lastOffsetDelta = reader.int32()
  const baseTimeMs = reader.int64()
  const maxTimeMs = reader.int64()
  const producerId = reader.bigint64()
  reader.at = at + 57
  return {
    bytes: LENGTH_FROM + length,
    baseOffset,
    endOffset: baseOffset + lastOffsetDelta + 1,
    compression: attributes & COMPRESSION_MASK,
    appendTimeMs: (attributes & LOG_APPEND_TIME) === 0 ? null : maxTimeMs,
    baseTimeMs,
    transactional: (attributes & TRANSACTIONAL) !== 0,
    control: (attributes & CONTROL) !== 0,
    producerId,
    count: reader.int32(),
  }
}

/** The checksum that a batch carries and that of its bytes, from its attributes to its end. What stands before is guarded by neither. */
export function checksumsOf(
  bytes: Buffer,
  at: number,
  { bytes: length }: BatchHeader,
): { readonly carried: number; readonly computed: number } {
  return { carried: bytes.readUInt32BE(at + CRC_FROM - 4), computed: crc32c(bytes.subarray(at + CRC_FROM, at + length)) }
}

/** The next record of a batch whose records begin where the reader stands. Throws `RangeError` for a record that is not whole. */
export function readRecord(reader: ByteReader, { baseOffset, baseTimeMs, appendTimeMs }: BatchHeader): BatchRecord {
  const length = reader.varint()
  const end = reader.at + length
  if (!(length >= 0 && end <= reader.end)) throw new RangeError(`record of ${length} bytes at ${reader.at} of ${reader.end}`)
  reader.at++
  const timeDeltaMs = reader.varint()
  const offset = baseOffset + reader.varint()
  const key = reader.varbytes()
  const value = reader.varbytes()
  // What is left are the headers: nothing reads them.
  if (reader.at > end) throw new RangeError(`record at offset ${offset} is longer than it says`)
  reader.at = end
  return { offset, timeMs: appendTimeMs ?? baseTimeMs + timeDeltaMs, key, value }
}

/** True for the control record that ends an aborted transaction: its key is int16 version, int16 type, 0 for abort and 1 for commit. */
export function isAbortMarker({ key }: BatchRecord): boolean {
  return key !== null && key.length >= 4 && key[2] === 0 && key[3] === 0
}
