import { ByteWriter, varintBytes } from './byte-writer'
import { crc32c } from './crc32c'
import { BATCH_HEADER_BYTES, CRC_FROM, LENGTH_FROM } from './record-batch'
import type { ProducerIdentity } from './kafkajs-internals'

/** A record on its way into a batch. Null for the value is a tombstone, which compaction takes as a deletion. */
export interface OutgoingRecord {
  readonly timeMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Who sends a batch, and the number of its first record among all that it sent to the partition. */
export interface BatchStamp extends ProducerIdentity {
  readonly baseSequence: number
}

/** Makes one record batch, uncompressed. Bytes of a record are copied when it is added; the batch is as `record-batch.ts` describes. */
export class RecordBatchBuilder {
  private readonly writer: ByteWriter
  private baseTimeMs = 0
  private maxTimeMs = 0
  /** Records added. */
  count = 0

  constructor(initialBytes = 1024) {
    this.writer = new ByteWriter(initialBytes)
    this.writer.raw(new Uint8Array(BATCH_HEADER_BYTES))
  }

  /** Bytes of the batch so far. */
  get bytes(): number {
    return this.writer.length
  }

  add({ timeMs, key, value, headers }: OutgoingRecord): void {
    if (this.count === 0) this.baseTimeMs = this.maxTimeMs = timeMs
    else if (timeMs > this.maxTimeMs) this.maxTimeMs = timeMs
    const timeDeltaMs = timeMs - this.baseTimeMs
    const encodedHeaders = headers === undefined ? NO_HEADERS : headersOf(headers)
    const length = 1 + varintBytes(timeDeltaMs) + varintBytes(this.count) + bytesOf(key) + bytesOf(value) + encodedHeaders.length
    const { writer } = this
    writer.varint(length)
    writer.int8(0)
    writer.varint(timeDeltaMs)
    writer.varint(this.count)
    writer.varbytes(key)
    writer.varbytes(value)
    writer.raw(encodedHeaders)
    this.count++
  }

  /** Writes the header and gives the batch; nothing can be added after it, but it may be sealed again with another stamp. */
  seal({ producerId, producerEpoch, baseSequence }: BatchStamp): Buffer {
    const header = new ByteWriter(BATCH_HEADER_BYTES)
    header.int64(0)
    header.int32(this.writer.length - LENGTH_FROM)
    header.int32(-1)
    header.int8(2)
    header.int32(0)
    header.int16(0)
    header.int32(this.count - 1)
    header.int64(this.baseTimeMs)
    header.int64(this.maxTimeMs)
    header.bigint64(producerId)
    header.int16(producerEpoch)
    header.int32(baseSequence)
    header.int32(this.count)
    const batch = this.writer.view()
    batch.set(header.view())
    batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_FROM - 4)
    return batch
  }
}

const NO_HEADERS = Uint8Array.of(0)

function bytesOf(value: Uint8Array | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length
}

function headersOf(headers: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(headers)
  const writer = new ByteWriter(64)
  writer.varint(entries.length)
  for (const [key, value] of entries) {
    writer.varbytes(Buffer.from(key))
    writer.varbytes(Buffer.from(value))
  }
  return writer.view()
}
