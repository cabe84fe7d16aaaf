/*
 * Keys of the log's one ordered map:
 *   01                                   the form of the environment, JSON
 *   02 topic partition(2)                start, end, bytes of a topic and partition: three f64
 *   03 topic partition(2) base(6)        a batch of records
 *   04 sequence(4)                       progress of a file source, JSON, in order of its start
 *   05                                   number of transactions, bytes of all batches: two f64
 * Numbers in keys are big-endian, so that bytes sort as numbers do.
 */
/** Where the environment says what it is. */
export const FORM_KEY = Uint8Array.of(1)
/** Where the log's tally stands. */
export const TALLY_KEY = Uint8Array.of(5)
/** Sources lie in `[FIRST_SOURCE_KEY, END_OF_SOURCES_KEY)`. */
export const FIRST_SOURCE_KEY = Uint8Array.of(4)
/** Past the last source. */
export const END_OF_SOURCES_KEY = Uint8Array.of(5)

/** Of a topic's and partition's head; partitions up to 65,535. */
export function headKey(topicIndex: number, partition: number): Uint8Array {
  return Uint8Array.of(2, topicIndex, partition >>> 8, partition & 0xff)
}

/** Of the batch that begins at this offset; offsets up to 2^48 - 1. */
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

/** Of the source that began as the `sequence`-th, from 0. */
export function sourceKey(sequence: number): Uint8Array {
  return Uint8Array.of(4, sequence >>> 24, sequence >>> 16, sequence >>> 8, sequence)
}
