import type { ByteReader } from './byte-reader'
import { wordsOf, type ByteWriter } from './byte-writer'
import { grownCapacity } from './grown-capacity'
import { grown, growingArray } from './growing-array'

const FIRST_SLOTS = 16
const FIRST_UNITS = 256
/** 2 GiB, more than a snapshot holds. */
const MAX_UNITS = 0x4000_0000
/** With fewer wasted code units nothing is compacted: it would be done too often. */
const LEAST_WASTED_UNITS = 4_096
const UNIT_BYTES = 2

/**
 * The texts of keys by slot, once more beside the strings: their UTF-16 code units in one array, and where each lies. A snapshot copies two arrays, where joining and
 * encoding a hundred thousand strings took a fifth of its time. Holds 2^30 code units at most.
 */
export class KeyTexts {
  private units = new Uint16Array(FIRST_UNITS)
  private top = 0
  /** Code units of keys that are gone. */
  private wasted = 0
  /** Of each slot: where its text begins, and its length + 1; zeros for a slot without a key. */
  private places = new Uint32Array(2 * FIRST_SLOTS)
  private slotEnd = 0

  /** Whether a key's text would fit in. */
  hasRoomFor(key: string): boolean {
    return this.top - this.wasted + key.length <= MAX_UNITS
  }

  /** Puts a key's text under its slot, which has none. Programmer error (unchecked): a text for which there is no room. */
  set(slot: number, key: string): void {
    const { length } = key
    if (this.top + length > this.units.length) this.makeRoom(length)
    if (2 * slot >= this.places.length) this.places = grown(this.places, 2 * Math.max(slot + 1, this.places.length))
    for (let i = 0; i < length; i++) this.units[this.top + i] = key.charCodeAt(i)
    this.places[2 * slot] = this.top
    this.places[2 * slot + 1] = length + 1
    this.top += length
    if (slot >= this.slotEnd) this.slotEnd = slot + 1
  }

  /** Forgets the text of a slot. */
  delete(slot: number): void {
    this.wasted += this.places[2 * slot + 1] - 1
    this.places.fill(0, 2 * slot, 2 * slot + 2)
  }

  private makeRoom(more: number): void {
    const isWorthIt = this.wasted >= LEAST_WASTED_UNITS && this.wasted > this.top / 2
    if (isWorthIt || this.top + more > MAX_UNITS) this.compact()
    const need = this.top + more
    if (need <= this.units.length) return
    // An even number, which is whole words.
    const length = Math.min(MAX_UNITS, grownCapacity(this.units.length, need, 1 << 24))
    this.units = grown(this.units, length + (length & 1))
  }

  /** Moves the texts that are left together, byte by byte where memory is shared: seldom, since half of it must be of keys that are gone. */
  private compact(): void {
    const { places } = this
    const before = this.units.slice(0, this.top)
    this.top = 0
    this.wasted = 0
    for (let slot = 0; slot < this.slotEnd; slot++) {
      const length = places[2 * slot + 1] - 1
      if (length < 0) continue
      const from = places[2 * slot]
      this.units.set(before.subarray(from, from + length), this.top)
      places[2 * slot] = this.top
      this.top += length
    }
  }

  /** Writes all of it. */
  write(writer: ByteWriter): void {
    writer.varint(this.top)
    // A word is two units.
    writer.words(wordsOf(this.units.subarray(0, this.top + (this.top & 1))))
    writer.words(this.places.subarray(0, 2 * this.slotEnd))
  }

  /** Fills a fresh one with what `write` wrote, and returns the keys by slot. Throws `snapshot-unusable`. */
  read(reader: ByteReader): (string | undefined)[] {
    this.top = reader.varint()
    const words = reader.wordsInPlace()
    if (this.top > 2 * words.length) reader.refuse(`${this.top} code units where ${2 * words.length} are`)
    this.units = growingArray(Uint16Array, Math.max(FIRST_UNITS, 2 * words.length))
    wordsOf(this.units).set(words)
    const places = reader.wordsInPlace()
    if (places.length % 2 !== 0) reader.refuse(`${places.length} words of places, which come in pairs`)
    this.places = growingArray(Uint32Array, Math.max(2 * FIRST_SLOTS, places.length))
    this.places.set(places)
    this.slotEnd = places.length / 2
    // One by one: a text of all of them may be longer than a string can be, and would be kept by each part of it.
    const text = Buffer.from(words.buffer, words.byteOffset, words.byteLength)
    const keys: (string | undefined)[] = []
    let held = 0
    for (let slot = 0; slot < this.slotEnd; slot++) {
      const from = this.places[2 * slot]
      const length = this.places[2 * slot + 1] - 1
      if (from + length > this.top) reader.refuse(`a key that ends at ${from + length} of ${this.top} code units`)
      keys.push(length < 0 ? undefined : text.toString('utf16le', UNIT_BYTES * from, UNIT_BYTES * (from + length)))
      if (length > 0) held += length
    }
    if (held > this.top) reader.refuse(`keys of ${held} code units in a text of ${this.top}`)
    this.wasted = this.top - held
    return keys
  }
}
