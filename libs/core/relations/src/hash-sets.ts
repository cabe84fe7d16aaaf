import { SlabPool, type ByteReader, type ByteWriter } from '@riskledger/windows'

/** Members of a set at most: a full one means "at least 64". */
export const MAX_MEMBERS = 64

// A set of n members lies in an open-addressed block of 2^LOG2_WORDS[n] words, filled to three quarters at most, 4 words at least.
const LOG2_WORDS = Uint8Array.from({ length: MAX_MEMBERS + 1 }, (_, count) => 32 - Math.clz32(Math.max(4, Math.ceil((count * 4) / 3)) - 1))

/**
 * Any number of small sets of 32-bit hashes other than 0 (`hashToken` gives none), in one typed array. A set is no object: its owner keeps
 * its place and its count, both 0 for an empty one, and thereby reads one line of memory to look something up, or two.
 */
export class HashSets {
  private readonly pool = new SlabPool()

  /** The set's place from now on, with the hash added to its `count` members; -1 if it was one of them already, or 64 are. */
  add(place: number, count: number, hash: number): number {
    if (count === MAX_MEMBERS) return -1
    const member = hash | 0
    const words = this.pool.words
    let free = place
    if (count > 0) {
      const mask = (1 << LOG2_WORDS[count]) - 1
      let at = member & mask
      for (; words[place + at] !== 0; at = (at + 1) & mask) if (words[place + at] === member) return -1
      free += at
    }
    if (count === 0 || LOG2_WORDS[count + 1] !== LOG2_WORDS[count]) return this.move(place, count, member)
    words[free] = member
    return place
  }

  /** Reads where `add` begins to search, and nothing else: memory asked for ahead. */
  touch(place: number, count: number, hash: number): number {
    return this.pool.words[place + (hash & ((1 << LOG2_WORDS[count]) - 1))]
  }

  /** To a block of twice the size, with one more member. */
  private move(place: number, count: number, member: number): number {
    const log2 = LOG2_WORDS[count + 1]
    const moved = this.pool.allocate(log2 - 1) * 2
    const words = this.pool.words
    words.fill(0, moved, moved + (1 << log2))
    if (count > 0) {
      const end = place + (1 << LOG2_WORDS[count])
      for (let at = place; at < end; at++) if (words[at] !== 0) this.place(moved, log2, words[at])
      this.pool.release(place / 2, LOG2_WORDS[count] - 1)
    }
    this.place(moved, log2, member)
    return moved
  }

  private place(block: number, log2: number, member: number): void {
    const words = this.pool.words
    const mask = (1 << log2) - 1
    let at = member & mask
    while (words[block + at] !== 0) at = (at + 1) & mask
    words[block + at] = member
  }

  /** The members, in ascending order. */
  members(place: number, count: number): Uint32Array {
    if (count === 0) return new Uint32Array(0)
    const block = this.pool.words.subarray(place, place + (1 << LOG2_WORDS[count]))
    return new Uint32Array(block.filter((member) => member !== 0)).sort()
  }

  /** Writes all sets as they lie; places and counts are their owners'. */
  write(writer: ByteWriter): void {
    this.pool.write(writer)
  }

  /** Fills fresh sets from what `write` wrote. */
  read(reader: ByteReader): void {
    this.pool.read(reader)
  }
}
