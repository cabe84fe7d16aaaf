import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'

/** Produce, version 7: since Kafka 2.1, and still served by Kafka 4. */
export const PRODUCE = { apiKey: 0, apiVersion: 7, apiName: 'Produce' } as const

const ALL_IN_SYNC_REPLICAS = -1

export interface ProducePartition {
  readonly topic: string
  readonly partition: number
  /** One record batch. */
  readonly batch: Uint8Array
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** Offset of the batch's first record; -1 with an error. */
  readonly baseOffset: number
}

/** The body of a produce request. The leader answers once all in-sync replicas have the batches, or after `timeoutMs` with an error. */
export function encodeProduce(partitions: readonly ProducePartition[], timeoutMs: number): Buffer {
  const writer = new ByteWriter(partitions.reduce((sum, { topic, batch }) => sum + batch.length + topic.length + 64, 64))
  // Transactional id: null.
  writer.int16(-1)
  writer.int16(ALL_IN_SYNC_REPLICAS)
  writer.int32(timeoutMs)
  writer.int32(partitions.length)
  for (const { topic, partition, batch } of partitions) {
    writer.string(topic)
    writer.int32(1)
    writer.int32(partition)
    writer.int32(batch.length)
    writer.raw(batch)
  }
  return writer.view()
}

/** Reads the answer. Throws `RangeError` for what is no produce response. */
export function decodeProduced(payload: Buffer): readonly ProducedPartition[] {
  const reader = new ByteReader(payload)
  const partitions: ProducedPartition[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) {
      const partition = reader.int32()
      const errorCode = reader.int16()
      const baseOffset = reader.int64()
      reader.int64()
      reader.int64()
      partitions.push({ topic, partition, errorCode, baseOffset })
    }
  }
  return partitions
}
