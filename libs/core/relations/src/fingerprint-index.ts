/** A table from 64-bit fingerprints to entries that carry them, open addressing in one typed array; equal fingerprints may coexist. */
export class FingerprintIndex {
  private table = new Uint32Array(1024)
  private count = 0

  private home(low: number, high: number): number {
    let h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
    h ^= h >>> 15
    return (h ^ (h >>> 13)) & (this.table.length - 1)
  }

  /** Adds an entry; `lows` and `highs` hold every entry's fingerprint. */
  add(entry: number, lows: Uint32Array, highs: Uint32Array): void {
    if ((this.count + 1) * 2 > this.table.length) this.grow(lows, highs)
    this.place(entry, lows, highs)
    this.count++
  }

  private place(entry: number, lows: Uint32Array, highs: Uint32Array): void {
    const table = this.table
    const mask = table.length - 1
    let at = this.home(lows[entry], highs[entry])
    while (table[at] !== 0) at = (at + 1) & mask
    table[at] = entry + 1
  }

  private grow(lows: Uint32Array, highs: Uint32Array): void {
    const old = this.table
    this.table = new Uint32Array(old.length * 2)
    for (let i = 0; i < old.length; i++) if (old[i] !== 0) this.place(old[i] - 1, lows, highs)
  }

  /** First cell to look at for a fingerprint; go on with `next` until it gives -1. */
  first(low: number, high: number): number {
    return this.home(low, high)
  }

  /** The entry in a cell, or -1 at the end of the run. */
  at(cell: number): number {
    return this.table[cell & (this.table.length - 1)] - 1
  }

  /** Takes an entry out and closes the gap behind it. */
  remove(entry: number, lows: Uint32Array, highs: Uint32Array): void {
    const table = this.table
    const mask = table.length - 1
    let hole = this.home(lows[entry], highs[entry])
    while (table[hole] !== entry + 1) {
      if (table[hole] === 0) return
      hole = (hole + 1) & mask
    }
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = this.home(lows[table[at] - 1], highs[table[at] - 1])
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        table[hole] = table[at]
        hole = at
      }
    }
    table[hole] = 0
    this.count--
  }
}
