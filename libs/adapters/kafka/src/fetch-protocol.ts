import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'

/** Fetch, version 11: since Kafka 2.3, and still served by Kafka 4. */
export const FETCH = { apiKey: 1, apiVersion: 11, apiName: 'Fetch' } as const

/** Open transactions are not read past, and aborted ones are named. */
const READ_COMMITTED = 1

export interface FetchPartition {
  readonly topic: string
  readonly partition: number
  readonly fetchOffset: number
}

export interface FetchLimits {
  /** How long the broker waits for the first byte. */
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}

/** What a broker says about one topic and partition. */
export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  /** Offset up to which everything is decided: the first open transaction, or the high watermark. -1 with an error. */
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Transactions that were aborted, of those that the batches belong to. */
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Record batches, the last one perhaps cut off; a view on the response. */
  readonly batches: Buffer
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The body of a fetch request; the broker fills the partitions in the order given. */
export function encodeFetch(partitions: readonly FetchPartition[], { maxWaitMs, maxBytes, maxBytesPerPartition }: FetchLimits): Buffer {
  const writer = new ByteWriter(64 + 64 * partitions.length)
  writer.int32(-1)
  writer.int32(maxWaitMs)
  writer.int32(1)
  writer.int32(maxBytes)
  writer.int8(READ_COMMITTED)
  // No session: what is asked for changes with every response.
  writer.int32(0)
  writer.int32(-1)
  // A topic for each partition: its order is the order in which the broker fills.
  writer.int32(partitions.length)
  for (const { topic, partition, fetchOffset } of partitions) {
    writer.string(topic)
    writer.int32(1)
    writer.int32(partition)
    writer.int32(-1)
    writer.int64(fetchOffset)
    writer.int64(-1)
    writer.int32(maxBytesPerPartition)
  }
  writer.int32(0)
  writer.string('')
  return writer.view()
}

/** Reads the answer; an error of the request as a whole is `errorCode`. Throws `RangeError` for what is no fetch response. */
export function decodeFetched(payload: Buffer): { readonly errorCode: number; readonly partitions: readonly FetchedPartition[] } {
  const reader = new ByteReader(payload)
  // Throttle time: a broker that throttles answers late by itself.
  reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const partitions: FetchedPartition[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) partitions.push(decodePartition(reader, topic))
  }
  return { errorCode, partitions }
}

function decodePartition(reader: ByteReader, topic: string): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  const logStartOffset = reader.int64()
  const abortedTransactions: AbortedTransaction[] = []
  for (let left = reader.int32(); left > 0; left--) {
    abortedTransactions.push({ producerId: reader.bigint64(), firstOffset: reader.int64() })
  }
  // Preferred replica: none is preferred where the request names no rack.
  reader.int32()
  const batches = reader.take(Math.max(0, reader.int32()))
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, batches }
}
