import { crc32c } from '../crc32c'
import { CRC_FROM } from '../record-batch'
import { RecordBatchBuilder } from '../record-batch-builder'

export interface StoredBatchOptions {
  readonly baseOffset: number
  readonly values: readonly string[]
  /** Offsets that the batch keeps although their records are gone. */
  readonly lastOffsetDelta?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  /** Ends a transaction. */
  readonly control?: 'commit' | 'abort'
  readonly compression?: number
  /** The broker's time of all records. */
  readonly appendTimeMs?: number
}

/** A batch as a broker stores it. */
export function storedBatch(options: StoredBatchOptions): Buffer {
  const { baseOffset, values, producerId = 7n, transactional = false, control, compression = 0, appendTimeMs } = options
  const builder = new RecordBatchBuilder()
  if (control !== undefined) builder.add({ timeMs: 1_000, key: Buffer.of(0, 0, 0, control === 'abort' ? 0 : 1), value: Buffer.alloc(6) })
  for (const value of values) builder.add({ timeMs: 1_000, key: null, value: Buffer.from(value) })
  const bytes = Buffer.from(builder.seal({ producerId, producerEpoch: 0, baseSequence: 0 }))
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  const flags = (appendTimeMs === undefined ? 0 : 8) | (transactional || control !== undefined ? 16 : 0) | (control === undefined ? 0 : 32)
  bytes.writeInt16BE(compression | flags, CRC_FROM)
  bytes.writeInt32BE(options.lastOffsetDelta ?? Math.max(0, builder.count - 1), 23)
  if (appendTimeMs !== undefined) bytes.writeBigInt64BE(BigInt(appendTimeMs), 35)
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_FROM - 4)
  return bytes
}
