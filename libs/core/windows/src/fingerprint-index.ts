import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'

const FIRST_PLACES = 1_024
/**
 * Places of the smaller table that move with each entry added, at least. All have moved after places / 8 entries, when the larger table is 5/16 full: it
 * grows again at a half, so there are never three.
 */
const MOVED_WITH_EACH = 8

/**
 * A table from 64-bit fingerprints to entries, open addressing in one typed array of (entry + 1, hash) cells; equal fingerprints may
 * coexist. The hash in the cell spares a look at the entry itself, which is most likely not in the processor's cache.
 *
 * It doubles once it is half full, a few places with each entry that is added: a million at once would take half a second. Until all have moved there are two tables. New entries go
 * into the larger one; what is in the smaller one is found there until its place has moved.
 */
export class FingerprintIndex {
  private cells = new Uint32Array(2 * FIRST_PLACES)
  private count = 0
  /** The smaller table, until all of it has moved. */
  private old: Uint32Array | null = null
  /** Where moving began, a place that was free; and how many places have moved from there on, round the table's end. */
  private movedFrom = 0
  private moved = 0

  private hash(low: number, high: number): number {
    let h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
    h ^= h >>> 15
    return (h ^ (h >>> 13)) >>> 0
  }

  /** The smaller table, where there is one and the place of this hash in it has not moved. */
  private oldOf(hash: number): Uint32Array | null {
    const { old } = this
    return old === null || ((hash - this.movedFrom) & maskOf(old)) < this.moved ? null : old
  }

  /** Reads where the search for a fingerprint begins, and nothing else: memory asked for ahead. */
  touch(low: number, high: number): number {
    const hash = this.hash(low, high)
    const old = this.oldOf(hash)
    const here = this.cells[2 * (hash & maskOf(this.cells))]
    return old === null ? here : here ^ old[2 * (hash & maskOf(old))]
  }

  /** Adds an entry under its fingerprint. */
  add(entry: number, low: number, high: number): void {
    if (this.old !== null) this.move(MOVED_WITH_EACH)
    else if ((this.count + 1) * 2 > maskOf(this.cells)) this.beginToGrow()
    put(this.cells, entry + 1, this.hash(low, high))
    this.count++
  }

  private beginToGrow(): void {
    const old = this.cells
    this.old = old
    this.cells = new Uint32Array(2 * old.length)
    this.moved = 0
    this.movedFrom = 0
    while (old[2 * this.movedFrom] !== 0) this.movedFrom++
  }

  /** Moves so many places of the smaller table, and the rest of the run that they end in: an entry may lie anywhere in the run that its place is in. */
  private move(places: number): void {
    const { cells, movedFrom } = this
    const old = this.old!
    const mask = maskOf(old)
    const until = this.moved + places
    let { moved } = this
    while (moved < until && moved <= mask) {
      let at = (movedFrom + moved++) & mask
      for (; old[2 * at] !== 0; at = (at + 1) & mask, moved++) put(cells, old[2 * at], old[2 * at + 1])
    }
    this.moved = moved
    if (moved > mask) this.old = null
  }

  /** Next entry whose fingerprint may be this one (its 32-bit hash is), from where `cursor` says on, -1 at first; -1 at the end. */
  next(low: number, high: number, cursor: { at: number }): number {
    const hash = this.hash(low, high)
    const old = this.oldOf(hash)
    if (old === null) return search(this.cells, hash, cursor, 0)
    // Positions of the larger table come after those of the smaller one.
    const places = maskOf(old) + 1
    if (cursor.at < places) {
      const entry = search(old, hash, cursor, 0)
      if (entry >= 0) return entry
      cursor.at = -1
    }
    return search(this.cells, hash, cursor, places)
  }

  /** Takes an entry out and closes the gap behind it. */
  remove(entry: number, low: number, high: number): void {
    const hash = this.hash(low, high)
    const old = this.oldOf(hash)
    if ((old !== null && take(old, entry + 1, hash)) || take(this.cells, entry + 1, hash)) this.count--
  }

  /** Writes the tables as they lie. */
  write(writer: ByteWriter): void {
    writer.varint(this.count)
    writer.words(this.cells)
    writer.words(this.old ?? new Uint32Array(0))
    writer.varint(this.movedFrom)
    writer.varint(this.moved)
  }

  /** Replaces everything by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.count = reader.varint()
    this.cells = reader.words()
    const old = reader.words()
    this.old = old.length === 0 ? null : old
    this.movedFrom = reader.varint()
    this.moved = reader.varint()
    const places = this.cells.length / 2
    if (!(places >= FIRST_PLACES) || (places & (places - 1)) !== 0 || 2 * this.count > places)
      reader.refuse(`an index of ${places} places for ${this.count} entries`)
    if (this.old === null) return
    const oldPlaces = old.length / 2
    if (2 * oldPlaces !== places) reader.refuse(`a smaller index of ${oldPlaces} places beside one of ${places}`)
    if (this.moved > oldPlaces || old[2 * this.movedFrom] !== 0)
      reader.refuse(`${this.moved} places moved from ${this.movedFrom} on, of ${oldPlaces}`)
  }
}

/** Places of a table, less one. */
function maskOf(cells: Uint32Array): number {
  return (cells.length >>> 1) - 1
}

function put(cells: Uint32Array, stored: number, hash: number): void {
  const mask = maskOf(cells)
  let at = hash & mask
  while (cells[2 * at] !== 0) at = (at + 1) & mask
  cells[2 * at] = stored
  cells[2 * at + 1] = hash
}

/** The next entry of a hash from the place that `cursor` says on, whose places of this table begin with `first`; -1 where there is none. */
function search(cells: Uint32Array, hash: number, cursor: { at: number }, first: number): number {
  const mask = maskOf(cells)
  let at = cursor.at < 0 ? hash & mask : cursor.at - first
  for (; cells[2 * at] !== 0; at = (at + 1) & mask) {
    if (cells[2 * at + 1] !== hash) continue
    cursor.at = first + ((at + 1) & mask)
    return cells[2 * at] - 1
  }
  return -1
}

/** Takes what is stored under a hash out of a table, and moves later ones of its run back so that no search ends early; false where it is not in. */
function take(cells: Uint32Array, stored: number, hash: number): boolean {
  const mask = maskOf(cells)
  let hole = hash & mask
  for (; cells[2 * hole] !== stored; hole = (hole + 1) & mask) if (cells[2 * hole] === 0) return false
  for (let at = (hole + 1) & mask; cells[2 * at] !== 0; at = (at + 1) & mask) {
    const home = cells[2 * at + 1] & mask
    if (((at - home) & mask) < ((at - hole) & mask)) continue
    cells[2 * hole] = cells[2 * at]
    cells[2 * hole + 1] = cells[2 * at + 1]
    hole = at
  }
  cells[2 * hole] = 0
  return true
}
