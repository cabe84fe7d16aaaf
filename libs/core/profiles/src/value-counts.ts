import { wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

const FIRST_PLACES = 64
/** Places looked at for a value: a table of honest values needs far fewer, and one of values that were chosen to collide must not hold everybody up. */
const MAX_TRIES = 1_024

/**
 * How often each of many values occurred, by 32-bit hashes other than 0, in one typed array: hash and count side by side, so that a look reads one line of memory.
 * A `Map` of as many boxed numbers is walked by every garbage collection.
 */
export class ValueCounts {
  private cells = new Float64Array(2 * FIRST_PLACES)
  private held = 0

  /** Values counted. */
  get size(): number {
    return this.held
  }

  /** Occurrences of a value, 0 where it was never counted. */
  of(hash: number): number {
    const place = this.placeOf(hash, MAX_TRIES)
    return place < 0 ? 0 : this.cells[place + 1]
  }

  /** Counts one more occurrence; a new value only where fewer than `maxValues` are held and there is a place for it within 1,024. False where it was not counted. */
  add(hash: number, maxValues: number): boolean {
    let place = this.placeOf(hash, MAX_TRIES)
    if (place < 0) return false
    if (this.cells[place] === 0) {
      if (this.held >= maxValues) return false
      if ((this.held + 1) * 8 > this.cells.length * 3) {
        this.grow()
        place = this.placeOf(hash, MAX_TRIES)
        if (place < 0) return false
      }
      this.cells[place] = hash
      this.held++
    }
    this.cells[place + 1]++
    return true
  }

  /** Where a value lies, or would; -1 where that is not found within so many places. */
  private placeOf(hash: number, tries: number): number {
    const { cells } = this
    const mask = cells.length - 1
    let place = (hash << 1) & mask
    for (let left = tries; left > 0; left--) {
      if (cells[place] === hash || cells[place] === 0) return place
      place = (place + 2) & mask
    }
    return -1
  }

  private grow(): void {
    const { cells } = this
    this.cells = new Float64Array(cells.length * 2)
    for (let at = 0; at < cells.length; at += 2)
      if (cells[at] !== 0) this.cells.set(cells.subarray(at, at + 2), this.placeOf(cells[at], cells.length))
  }

  /** The values' hashes, in ascending order. */
  hashes(): Uint32Array {
    const hashes = new Uint32Array(this.held)
    let count = 0
    for (let at = 0; at < this.cells.length; at += 2) if (this.cells[at] !== 0) hashes[count++] = this.cells[at]
    return hashes.sort()
  }

  /** Writes the table as it lies. */
  write(writer: ByteWriter): void {
    writer.varint(this.held)
    writer.words(wordsOf(this.cells))
  }

  /** Replaces the table by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.held = reader.varint()
    this.cells = new Float64Array(reader.words().buffer)
    const places = this.cells.length / 2
    if ((places & (places - 1)) !== 0 || this.held >= places) reader.refuse(`a table of ${places} places for ${this.held} values`)
  }
}
