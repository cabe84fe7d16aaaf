import type { ByteReader, ByteWriter } from '@riskledger/windows'

/**
 * A table from 64-bit fingerprints to entries, open addressing in one typed array of (entry + 1, hash) cells; equal fingerprints may
 * coexist. The hash in the cell spares a look at the entry itself, which is most likely not in the processor's cache.
 */
export class FingerprintIndex {
  private cells = new Uint32Array(2048)
  private mask = 1023
  private count = 0

  private hash(low: number, high: number): number {
    let h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
    h ^= h >>> 15
    return (h ^ (h >>> 13)) >>> 0
  }

  /** Reads where the search for a fingerprint begins, and nothing else: memory asked for ahead. */
  touch(low: number, high: number): number {
    return this.cells[2 * (this.hash(low, high) & this.mask)]
  }

  /** Adds an entry under its fingerprint. */
  add(entry: number, low: number, high: number): void {
    if ((this.count + 1) * 2 > this.mask) this.grow()
    this.place(entry + 1, this.hash(low, high))
    this.count++
  }

  private place(stored: number, hash: number): void {
    const { cells, mask } = this
    let at = hash & mask
    while (cells[2 * at] !== 0) at = (at + 1) & mask
    cells[2 * at] = stored
    cells[2 * at + 1] = hash
  }

  private grow(): void {
    const old = this.cells
    this.cells = new Uint32Array(old.length * 2)
    this.mask = old.length - 1
    for (let i = 0; i < old.length; i += 2) if (old[i] !== 0) this.place(old[i], old[i + 1])
  }

  /** Next entry whose fingerprint may be this one (its 32-bit hash is), from the cell on that `cursor` holds; -1 at the end. */
  next(low: number, high: number, cursor: { at: number }): number {
    const { cells, mask } = this
    const hash = this.hash(low, high)
    let at = cursor.at < 0 ? hash & mask : cursor.at
    for (; cells[2 * at] !== 0; at = (at + 1) & mask) {
      if (cells[2 * at + 1] !== hash) continue
      cursor.at = (at + 1) & mask
      return cells[2 * at] - 1
    }
    return -1
  }

  /** Takes an entry out and closes the gap behind it. */
  remove(entry: number, low: number, high: number): void {
    const { cells, mask } = this
    let hole = this.hash(low, high) & mask
    while (cells[2 * hole] !== entry + 1) {
      if (cells[2 * hole] === 0) return
      hole = (hole + 1) & mask
    }
    for (let at = (hole + 1) & mask; cells[2 * at] !== 0; at = (at + 1) & mask) {
      const home = cells[2 * at + 1] & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      cells[2 * hole] = cells[2 * at]
      cells[2 * hole + 1] = cells[2 * at + 1]
      hole = at
    }
    cells[2 * hole] = 0
    this.count--
  }

  /** Writes the table as it lies. */
  write(writer: ByteWriter): void {
    writer.varint(this.count)
    writer.words(this.cells)
  }

  /** Replaces the table by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.count = reader.varint()
    this.cells = reader.words()
    const places = this.cells.length / 2
    if (places < 1 || (places & (places - 1)) !== 0) reader.refuse(`an index of ${places} places`)
    this.mask = places - 1
  }
}
