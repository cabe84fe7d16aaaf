import type { ByteReader } from './byte-reader'
import { wordsOf, type ByteWriter } from './byte-writer'

/** Longest key that packs, in characters. */
const MAX_PACKED_LENGTH = 12
/** A key that finds no place within so many tries is refused: whoever chooses keys to collide must not slow down everybody else. */
const MAX_TRIES = 32
/** What a look-up by bytes answers where only the key's text can tell. */
export const ASK_BY_TEXT = -2
// An entry is one of four in a cache line of 64 bytes: three words of packed characters, slot + 1 (0: free).
const SLOT = 3

/**
 * A hash table from short strings of Latin-1 characters to slots, its keys packed into integers. A look-up reads the string and one line of
 * the table; a `Map` goes through bucket, entry and the stored string, far apart in memory, which costs several times as much where keys are many.
 */
export class PackedKeys {
  private table = new Int32Array(4 * 64)
  private mask = 63
  private count = 0
  /** False once keys chosen to collide have kept it from growing: it must not try again with each key. */
  private growing = true
  /** The key last packed. */
  private readonly words = new Int32Array(3)

  /** Keys held. */
  get size(): number {
    return this.count
  }

  /** The key's slot, or -1 if it is not here. `pack` and `search` in one, without a word written to memory: each event asks. */
  find(key: string): number {
    const length = key.length
    if (length > MAX_PACKED_LENGTH || length === 0) return -1
    let first = 0
    let second = 0
    let third = 0
    let strange = 0
    const inFirst = length < 4 ? length : 4
    for (let i = 0; i < inFirst; i++) {
      const code = key.charCodeAt(i)
      strange |= code | (code - 1)
      first |= code << (i << 3)
    }
    if (length > 4) {
      const inSecond = length < 8 ? length : 8
      for (let i = 4; i < inSecond; i++) {
        const code = key.charCodeAt(i)
        strange |= code | (code - 1)
        second |= code << (i << 3)
      }
      for (let i = 8; i < length; i++) {
        const code = key.charCodeAt(i)
        strange |= code | (code - 1)
        third |= code << (i << 3)
      }
    }
    // A code of 0 or above 255 has left a bit above the lowest 8.
    return strange & ~255 ? -1 : this.look(first, second, third)
  }

  /** `find` of the key whose text is the ASCII bytes `bytes[from, from + length)`; -2 where they are too many, or one is not ASCII: ask by its text. */
  findBytes(bytes: Uint8Array, from: number, length: number): number {
    if (length > MAX_PACKED_LENGTH || length === 0) return ASK_BY_TEXT
    let first = 0
    let second = 0
    let third = 0
    let strange = 0
    const inFirst = length < 4 ? length : 4
    for (let i = 0; i < inFirst; i++) {
      const byte = bytes[from + i]
      strange |= byte | (byte - 1)
      first |= byte << (i << 3)
    }
    if (length > 4) {
      const inSecond = length < 8 ? length : 8
      for (let i = 4; i < inSecond; i++) {
        const byte = bytes[from + i]
        strange |= byte | (byte - 1)
        second |= byte << (i << 3)
      }
      for (let i = 8; i < length; i++) {
        const byte = bytes[from + i]
        strange |= byte | (byte - 1)
        third |= byte << (i << 3)
      }
    }
    return strange & ~127 ? ASK_BY_TEXT : this.look(first, second, third)
  }

  private look(first: number, second: number, third: number): number {
    const { table, mask } = this
    let place = hashOf(first, second, third) & mask
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const at = place << 2
      const slot = table[at + SLOT]
      if (table[at] === first && table[at + 1] === second && table[at + 2] === third && slot !== 0) return slot - 1
      if (slot === 0) return -1
      place = (place + 1) & mask
    }
    return -1
  }

  /** Takes a key in that is not here. False if it is of no kind that packs, or too many others are in its way. */
  add(key: string, slot: number): boolean {
    if (!this.pack(key)) return false
    if (this.count * 2 > this.mask && !(this.growing && this.grow())) return false
    const placed = this.place(this.words, 0, slot)
    if (placed) this.count++
    return placed
  }

  /** Forgets a key. False if it is not here. */
  delete(key: string): boolean {
    if (!this.pack(key)) return false
    let hole = this.search()
    if (hole < 0) return false
    const { table, mask } = this
    this.count--
    // Entries that were pushed further by this one move back, so that a search may stop at the first free place.
    for (let next = (hole >>> 2) + 1; ; next++) {
      const from = (next & mask) << 2
      if (table[from + SLOT] === 0) break
      const home = this.homeOf(table, from)
      if (((next - home) & mask) < ((next - (hole >>> 2)) & mask)) continue
      table.copyWithin(hole, from, from + 4)
      hole = from
    }
    table.fill(0, hole, hole + 4)
    return true
  }

  /** Packs a key into `words`; false if it does not pack. */
  private pack(key: string): boolean {
    const length = key.length
    if (length > MAX_PACKED_LENGTH || length === 0) return false
    const words = this.words
    words[1] = 0
    words[2] = 0
    let word = 0
    let at = 0
    for (let i = 0; i < length; i++) {
      const code = key.charCodeAt(i)
      // Code 0 is what an end looks like.
      if (code > 255 || code === 0) return false
      word |= code << ((i & 3) << 3)
      if ((i & 3) === 3) {
        words[at++] = word
        word = 0
      }
    }
    if (at < 3) words[at] = word
    return true
  }

  private homeOf(words: Int32Array, at: number): number {
    return hashOf(words[at], words[at + 1], words[at + 2]) & this.mask
  }

  /** Where the entry of the key in `words` lies in the table, or -1. */
  private search(): number {
    const { table, mask, words } = this
    const first = words[0]
    const second = words[1]
    const third = words[2]
    let place = this.homeOf(words, 0)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const at = place << 2
      if (table[at + SLOT] === 0) return -1
      if (table[at] === first && table[at + 1] === second && table[at + 2] === third) return at
      place = (place + 1) & mask
    }
    return -1
  }

  private place(words: Int32Array, from: number, slot: number): boolean {
    const { table, mask } = this
    let place = this.homeOf(words, from)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const at = place << 2
      if (table[at + SLOT] === 0) {
        for (let i = 0; i < SLOT; i++) table[at + i] = words[from + i]
        table[at + SLOT] = slot + 1
        return true
      }
      place = (place + 1) & mask
    }
    return false
  }

  /** Doubles the table; leaves it as it was, and returns false, where an entry would find no place. */
  private grow(): boolean {
    const { table, mask } = this
    this.table = new Int32Array(table.length * 2)
    this.mask = mask * 2 + 1
    for (let at = 0; at < table.length; at += 4) {
      if (table[at + SLOT] === 0 || this.place(table, at, table[at + SLOT] - 1)) continue
      this.table = table
      this.mask = mask
      this.growing = false
      return false
    }
    return true
  }

  /** Writes the table as it lies. */
  write(writer: ByteWriter): void {
    writer.varint(this.count)
    writer.u8(this.growing ? 1 : 0)
    writer.words(wordsOf(this.table))
  }

  /** Replaces everything by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.count = reader.varint()
    this.growing = reader.u8() === 1
    this.table = new Int32Array(reader.words().buffer)
    const places = this.table.length / 4
    if ((places & (places - 1)) !== 0 || this.count > places) reader.refuse(`${this.count} keys in a table of ${places}`)
    this.mask = places - 1
  }
}

function hashOf(first: number, second: number, third: number): number {
  let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b) ^ Math.imul(third, 0xc2b2ae35)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
