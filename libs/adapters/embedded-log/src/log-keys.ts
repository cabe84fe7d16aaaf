import { RAW_TOPICS } from '@riskledger/contracts'
import type { RawTopic } from '@riskledger/contracts'

/*
 * Keys of the log's one ordered map:
 *   01                                   the form of the environment, JSON
 *   02 topic partition(2)                start, end, bytes of a topic and partition: three f64
 *   03 topic partition(2) base(6)        a batch of records
 *   04 sequence(4)                       progress of a file source, JSON, in order of its start
 *   05                                   number of transactions, bytes of all batches: two f64
 * Numbers in keys are big-endian, so that bytes sort as numbers do.
 */
export const FORM_KEY = Uint8Array.of(1)
export const TALLY_KEY = Uint8Array.of(5)
export const FIRST_SOURCE_KEY = Uint8Array.of(4)
export const END_OF_SOURCES_KEY = Uint8Array.of(5)

export function headKey(topicIndex: number, partition: number): Uint8Array {
  return Uint8Array.of(2, topicIndex, partition >>> 8, partition & 0xff)
}

export function batchKey(topicIndex: number, partition: number, baseOffset: number): Uint8Array {
  const key = Buffer.allocUnsafe(10)
  key[0] = 3
  key[1] = topicIndex
  key.writeUInt16BE(partition, 2)
  key.writeUIntBE(baseOffset, 4, 6)
  return key
}

/** The base offset in a batch key, or undefined where it is no batch of this topic and partition. */
export function baseOffsetOf(key: Uint8Array, topicIndex: number, partition: number): number | undefined {
  if (key.length !== 10 || key[0] !== 3 || key[1] !== topicIndex || ((key[2] << 8) | key[3]) !== partition) return undefined
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(4, 6)
}

export function sourceKey(sequence: number): Uint8Array {
  return Uint8Array.of(4, sequence >>> 24, sequence >>> 16, sequence >>> 8, sequence)
}

const TOPIC_INDEXES: ReadonlyMap<RawTopic, number> = new Map(RAW_TOPICS.map((topic, index) => [topic, index]))

/** The topic's place in the fixed order, which is what keys carry. */
export function topicIndexOf(topic: RawTopic): number {
  const index = TOPIC_INDEXES.get(topic)
  if (index === undefined) throw new TypeError(`no such topic: ${String(topic)}`)
  return index
}
