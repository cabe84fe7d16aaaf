/**
 * Kafka's murmur2 over the key's bytes, as a signed 32-bit integer (Appleby's MurmurHash2, seed 0x9747b28c), the hash that the Java
 * client and kafkajs use. librdkafka's default partitioner differs. Of a part of the bytes: `[from, to)`.
 */
export function murmur2(key: Uint8Array, from = 0, to = key.length): number {
  const length = to - from
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  let i = from
  for (; i + 4 <= to; i += 4) {
    let k = key[i] | (key[i + 1] << 8) | (key[i + 2] << 16) | (key[i + 3] << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const rest = to - i
  if (rest >= 3) h ^= key[i + 2] << 16
  if (rest >= 2) h ^= key[i + 1] << 8
  if (rest >= 1) {
    h ^= key[i]
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h | 0
}

/** The partition in `[0, partitionCount)` of a record with this key (UTF-8 of the account id). */
export function partitionFor(key: Uint8Array, partitionCount: number): number {
  return partitionOf(key, 0, key.length, partitionCount)
}

/** The partition of a record whose key is `bytes[from, to)`. */
export function partitionOf(bytes: Uint8Array, from: number, to: number, partitionCount: number): number {
  return partitionCount === 1 ? 0 : (murmur2(bytes, from, to) & 0x7fffffff) % partitionCount
}
