import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'

/** ListOffsets, version 3: since Kafka 2.0, and still served by Kafka 4. */
export const LIST_OFFSETS = { apiKey: 2, apiVersion: 3, apiName: 'ListOffsets' } as const

/** Asks for the first offset. */
export const EARLIEST = -2
/** Asks for the offset past the last record that is decided. */
export const LATEST = -1

const READ_COMMITTED = 1

export interface ListedOffset {
  readonly errorCode: number
  readonly offset: number
}

/** The body of a request for one end of one partition; both ends in one request are not allowed. */
export function encodeListOffsets(topic: string, { partition, end }: { readonly partition: number; readonly end: number }): Buffer {
  const writer = new ByteWriter(64)
  writer.int32(-1)
  writer.int8(READ_COMMITTED)
  writer.int32(1)
  writer.string(topic)
  writer.int32(1)
  writer.int32(partition)
  writer.int64(end)
  return writer.view()
}

/** The answer to it. Throws `RangeError` for what is none. */
export function decodeListedOffset(payload: Buffer): ListedOffset {
  const reader = new ByteReader(payload)
  reader.int32()
  if (reader.int32() !== 1) throw new RangeError('an answer about other topics than one')
  reader.string()
  if (reader.int32() !== 1) throw new RangeError('an answer about other partitions than one')
  reader.int32()
  const errorCode = reader.int16()
  reader.int64()
  return { errorCode, offset: reader.int64() }
}
