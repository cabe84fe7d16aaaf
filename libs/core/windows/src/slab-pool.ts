import { strict as assert } from 'node:assert'

/** Blocks of 2^0 to 2^24 pairs. */
const SIZES = 25

/**
 * Room for blocks of number pairs in one typed array: 16 bytes a pair. Blocks are powers of two; freed blocks go to a list of their
 * size and are handed out again (a larger one is split if need be), so that a long run whose content does not grow does not grow.
 *
 * `pairs` is replaced by a larger array when it is full: read it anew after each `allocate`.
 */
export class SlabPool {
  /** Pair `p` is `pairs[2p]`, `pairs[2p + 1]`. */
  pairs: Float64Array
  private top = 0
  private readonly free: number[][] = Array.from({ length: SIZES }, () => [])
  private freePairs = 0

  constructor(initialPairs = 1024) {
    this.pairs = new Float64Array(2 * initialPairs)
  }

  /** The first pair of a block of 2^log2 pairs. Its content is whatever was there. */
  allocate(log2: number): number {
    assert(log2 < SIZES, `a block of 2^${log2} pairs is above the limit of 2^${SIZES - 1}`)
    for (let size = log2; size < SIZES; size++) {
      const block = this.free[size].pop()
      if (block === undefined) continue
      this.freePairs -= 1 << log2
      for (let half = size; half > log2;) this.free[--half].push(block + (1 << half))
      return block
    }
    const block = this.top
    this.top += 1 << log2
    if (this.top * 2 > this.pairs.length) this.grow()
    return block
  }

  /** Gives a block back. Programmer error (unchecked): a block that `allocate` did not give, or another size. */
  release(block: number, log2: number): void {
    this.free[log2].push(block)
    this.freePairs += 1 << log2
  }

  /** Doubles while small, then grows by a quarter: doubling gigabytes would hold three times what is needed for a moment. */
  private grow(): void {
    const held = this.pairs.length
    const grown = new Float64Array(Math.max(this.top * 2, held < 1 << 23 ? held * 2 : held + (held >>> 3) * 2))
    grown.set(this.pairs)
    this.pairs = grown
  }

  /** What it holds, in bytes: reserved from the system, and in use by blocks. */
  get usage(): { readonly reservedBytes: number; readonly usedBytes: number } {
    return { reservedBytes: this.pairs.byteLength, usedBytes: (this.top - this.freePairs) * 16 }
  }
}
