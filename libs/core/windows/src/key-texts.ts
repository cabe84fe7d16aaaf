import type { ByteReader } from './byte-reader'
import { wordsOf, type ByteWriter } from './byte-writer'

const FIRST_SLOTS = 16
const FIRST_UNITS = 256
/** Below so many code units nothing is gathered in: it would be done too often. */
const WORTH_GATHERING = 4_096

/**
 * The texts of keys by slot, once more beside the strings: their UTF-16 code units in one array, and where each lies. A snapshot copies two arrays, where joining and
 * encoding a hundred thousand strings took a fifth of its time.
 */
export class KeyTexts {
  private units = new Uint16Array(FIRST_UNITS)
  private top = 0
  /** Code units of keys that are gone. */
  private wasted = 0
  /** Of each slot: where its text begins, and its length + 1; 0 for a slot without a key. */
  private places = new Uint32Array(2 * FIRST_SLOTS)
  private slotEnd = 0

  /** Puts a key's text under its slot, which has none. */
  set(slot: number, key: string): void {
    const { length } = key
    if (this.top + length > this.units.length) this.makeRoom(length)
    if (2 * slot >= this.places.length) this.places = grown(this.places, new Uint32Array(2 * Math.max(slot + 1, this.places.length)))
    for (let i = 0; i < length; i++) this.units[this.top + i] = key.charCodeAt(i)
    this.places[2 * slot] = this.top
    this.places[2 * slot + 1] = length + 1
    this.top += length
    if (slot >= this.slotEnd) this.slotEnd = slot + 1
  }

  /** Forgets the text of a slot. */
  delete(slot: number): void {
    this.wasted += this.places[2 * slot + 1] - 1
    this.places[2 * slot + 1] = 0
  }

  private makeRoom(more: number): void {
    if (this.wasted >= WORTH_GATHERING && this.wasted > this.top / 2) this.gather()
    const need = this.top + more
    // An even number, which is whole words.
    if (need > this.units.length) this.units = grown(this.units, new Uint16Array(2 * need))
  }

  /** Moves the texts that are left together. */
  private gather(): void {
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
    writer.varint(this.wasted)
    writer.varint(this.top)
    // A word is two units.
    writer.words(wordsOf(this.units.subarray(0, this.top + (this.top & 1))))
    writer.words(this.places.subarray(0, 2 * this.slotEnd))
  }

  /** Fills a fresh one with what `write` wrote, and returns the keys by slot. Throws `snapshot-unusable`. */
  read(reader: ByteReader): (string | undefined)[] {
    this.wasted = reader.varint()
    this.top = reader.varint()
    const words = reader.words()
    this.units = new Uint16Array(words.buffer)
    if (this.top > this.units.length) reader.refuse(`${this.top} code units where ${this.units.length} are`)
    this.places = reader.words()
    this.slotEnd = this.places.length / 2
    const text = Buffer.from(words.buffer, 0, 2 * this.top).toString('utf16le')
    const keys: (string | undefined)[] = []
    for (let slot = 0; slot < this.slotEnd; slot++) {
      const from = this.places[2 * slot]
      const end = from + this.places[2 * slot + 1] - 1
      if (end > this.top) reader.refuse(`a key that ends at ${end} of ${this.top} code units`)
      keys.push(end < from ? undefined : text.substring(from, end))
    }
    return keys
  }
}

function grown<Numbers extends Uint16Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
