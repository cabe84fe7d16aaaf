import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'

/**
 * What a member tells the group's leader about itself, as its user data: int16 version 1, int32 partitionCount, int32 generation, int32 number of
 * partitions, each int32.
 */
export interface GroupClaim {
  /** Partitions that it expects each topic to have. */
  readonly partitionCount: number
  /** Partitions that it holds, and the generation in which it was given them. */
  readonly owned: readonly number[]
  readonly generation: number
}

const VERSION = 1

export function encodeGroupClaim({ partitionCount, owned, generation }: GroupClaim): Buffer {
  const writer = new ByteWriter(16 + 4 * owned.length)
  writer.int16(VERSION)
  writer.int32(partitionCount)
  writer.int32(generation)
  writer.int32(owned.length)
  for (const partition of owned) writer.int32(partition)
  return writer.view()
}

/** Null for bytes that are no claim: a member that is something else than a screener, or a later version of one. */
export function decodeGroupClaim(bytes: Buffer): GroupClaim | null {
  try {
    const reader = new ByteReader(bytes)
    if (reader.int16() !== VERSION) return null
    const partitionCount = reader.int32()
    const generation = reader.int32()
    const count = reader.int32()
    if (!(count >= 0 && count <= bytes.length / 4)) return null
    return { partitionCount, generation, owned: Array.from({ length: count }, () => reader.int32()) }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
