/** Draws that a seed decides: the same seed gives the same faults in the same order. */
export class SeededChoice {
  private state: number

  constructor(seed: number) {
    this.state = (seed ^ 0x9e3779b9) | 0
  }

  /** A number in `[0, 1)`, by mulberry32 (Ettinger, 2017). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number in `[least, most]`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** One of these. */
  one<T>(items: readonly T[]): T {
    return items[this.whole(0, items.length - 1)]
  }

  /** All of these, in a drawn order (Fisher and Yates, 1938). */
  shuffled<T>(items: readonly T[]): readonly T[] {
    const drawn = [...items]
    for (let last = drawn.length - 1; last > 0; last--) {
      const other = this.whole(0, last)
      ;[drawn[last], drawn[other]] = [drawn[other], drawn[last]]
    }
    return drawn
  }
}
