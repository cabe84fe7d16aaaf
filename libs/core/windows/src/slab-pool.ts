import { strict as assert } from 'node:assert'
import type { ByteReader } from './byte-reader'
import { wordsOf, type ByteWriter } from './byte-writer'
import { grownCapacity } from './grown-capacity'
import { grown, growingArray } from './growing-array'

/** Blocks of 2^0 to 2^24 cells. */
const SIZES = 25
/** 4 GiB: beyond it memory does not grow where it lies, and a snapshot holds half as much. */
const MAX_CELLS = 1 << 29

/**
 * Room for blocks of 8-byte cells in one buffer. Cell `c` is `doubles[c]`, or the two integers `words[2c]` and `words[2c + 1]`. Blocks are
 * powers of two; freed blocks go to a list of their size and are handed out again (a larger one is split if need be), so that a long
 * run whose content does not grow does not grow.
 *
 * Both views are replaced when the buffer is full: read them anew after each `allocate`. Holds at most 2^29 cells; an assertion fails beyond.
 */
export class SlabPool {
  words: Int32Array
  doubles: Float64Array
  private top = 0
  private readonly free: number[][] = Array.from({ length: SIZES }, () => [])
  private freeCells = 0

  constructor(initialCells = 1024) {
    this.doubles = growingArray(Float64Array, initialCells)
    this.words = integersOf(this.doubles)
  }

  /** The first cell of a block of 2^log2 cells. Its content is whatever was there. */
  allocate(log2: number): number {
    assert(log2 < SIZES, `a block of 2^${log2} cells is above the limit of 2^${SIZES - 1}`)
    for (let size = log2; size < SIZES; size++) {
      const block = this.free[size].pop()
      if (block === undefined) continue
      this.freeCells -= 1 << log2
      for (let half = size; half > log2;) this.free[--half].push(block + (1 << half))
      return block
    }
    const block = this.top
    this.top += 1 << log2
    if (this.top > this.doubles.length) this.grow()
    return block
  }

  /** Gives a block back. Programmer error (unchecked): a block that `allocate` did not give, or another size. */
  release(block: number, log2: number): void {
    this.free[log2].push(block)
    this.freeCells += 1 << log2
  }

  private grow(): void {
    assert(this.top <= MAX_CELLS, `a pool holds more than ${MAX_CELLS * 8} bytes: hold fewer keys, or less per key`)
    this.doubles = grown(this.doubles, Math.min(MAX_CELLS, grownCapacity(this.doubles.length, this.top, 1 << 24)))
    this.words = integersOf(this.doubles)
  }

  /** What it holds, in bytes: reserved from the system, and in use by blocks. */
  get usage(): { readonly reservedBytes: number; readonly usedBytes: number } {
    return { reservedBytes: this.doubles.byteLength, usedBytes: (this.top - this.freeCells) * 8 }
  }

  /** Writes all of it, blocks where they lie. */
  write(writer: ByteWriter): void {
    writer.words(wordsOf(this.doubles.subarray(0, this.top)))
    writer.varint(this.freeCells)
    for (const blocks of this.free) writer.words(Uint32Array.from(blocks))
  }

  /** Replaces everything by what `write` wrote. */
  read(reader: ByteReader): void {
    const words = reader.wordsInPlace()
    if (words.length % 2 !== 0 || words.length > 2 * MAX_CELLS) reader.refuse(`${words.length} words of cells, which have two each`)
    this.top = words.length / 2
    if (this.top > this.doubles.length) {
      this.doubles = growingArray(Float64Array, this.top)
      this.words = integersOf(this.doubles)
    }
    wordsOf(this.doubles).set(words)
    this.freeCells = reader.varint()
    for (let size = 0; size < SIZES; size++) this.free[size] = [...reader.wordsInPlace()]
  }
}

function integersOf(doubles: Float64Array): Int32Array {
  return new Int32Array(doubles.buffer, doubles.byteOffset, doubles.length * 2)
}
