import { strict as assert } from 'node:assert'
import type { ByteReader } from './byte-reader'
import { wordsOf, type ByteWriter } from './byte-writer'
import { grownCapacity } from './grown-capacity'
import { doublesOf, grown, growingArray } from './growing-array'
import { SlabPool } from './slab-pool'

// Bookkeeping of a slot, in 32-bit integers: for three widths, with its times and sums, it is one cache line of 64 bytes.
export const BLOCK = 0 // first cell of its ring in the pool
export const SHAPE = 1 // bits 0-4: log2 of the ring's capacity; flags above
export const HEAD = 2 // events ever written; the counters are turned back before they reach 2^31
export const DUE = 3 // events at or before clock - delay
export const BASE = 4 // oldest event held
export const TAILS = 5 // one per width: oldest event inside

export const HAS_RING = 32
export const WIDE = 64 // entries take 16 bytes: a value does not fit in 32 bits, or the windows are too long for 32-bit times
export const BIG = 128 // holds a value so large that a running sum could leave 2^53: sums are made anew at each read
export const LOSSY = 256 // lost events to the cap that some window may still cover
/** Flags of a slot that only the careful paths understand. */
export const SPECIAL = WIDE | BIG | LOSSY

export const FIRST_LOG2 = 2
export const NEVER = -Infinity
const TWO_32 = 0x100000000
/** Longest retention, in ms, for which 32-bit times serve: what is left up to 2^32 (6 days) is the longest single move. */
const NARROW_SPAN_MS = TWO_32 - 0x20000000

/**
 * Rings of (time, value), one per slot, sorted by time, equal times in order of arrival. What is inside which window is the business of
 * `KeyedRings`, which builds on it; this is where events lie and how room is found for them.
 *
 * An entry takes 8 bytes: the low 32 bits of its time in ms, and its value. No event held is 2^32 ms (49.7 days) older than the slot's clock,
 * so `(clock - time) mod 2^32` is its age, exactly. Slots with values beyond 32 bits, and all slots where events are kept for longer than 43.4 days,
 * have wide entries of 16 bytes: time and value as doubles. Half the bytes is half the cache misses, which is what a step costs.
 */
export class RingStore {
  protected readonly intStride: number
  protected readonly floatStride: number
  /** Index of a slot's clock among its floats; the running sums follow. */
  protected readonly floatStart: number
  protected readonly alwaysWide: boolean
  /** Longest move of a clock, in ms, that cannot take the age of an event held to 2^32. */
  protected readonly longestMoveMs: number
  protected readonly pool: SlabPool
  protected ints!: Int32Array
  protected floats!: Float64Array
  protected words: Int32Array
  protected slotCapacity = 0

  protected constructor(
    protected readonly widths: number,
    /** Longest time that an event is of use, in ms. */
    protected readonly spanMs: number,
    options: { readonly longest: number; readonly slots: number },
  ) {
    this.longest = options.longest
    this.floatStart = (TAILS + widths + 1) >> 1
    this.floatStride = this.floatStart + 1 + widths
    this.intStride = this.floatStride * 2
    this.alwaysWide = spanMs > NARROW_SPAN_MS
    this.longestMoveMs = this.alwaysWide ? Infinity : TWO_32 - 1 - spanMs
    // Room for 32 narrow events a slot: the system lends memory as it is written to, while growing from little leaves twice as much garbage.
    this.pool = new SlabPool(options.slots * 32)
    this.words = this.pool.words
    this.growSlots(options.slots)
  }

  /** Index of the longest width: its tail is never ahead of another's. */
  protected readonly longest: number

  protected growSlots(need: number): void {
    const capacity = grownCapacity(this.slotCapacity, need, 1 << 18)
    const length = capacity * this.intStride
    this.ints = this.slotCapacity === 0 ? growingArray(Int32Array, length) : grown(this.ints, length)
    this.floats = doublesOf(this.ints)
    this.slotCapacity = capacity
  }

  /** True for a slot that holds a ring. */
  isUsed(slot: number): boolean {
    return slot < this.slotCapacity && this.ints[slot * this.intStride + SHAPE] !== 0
  }

  /** Up to when the slot's windows have been moved: its newest event or latest reading. -Infinity for one never used. */
  clockMs(slot: number): number {
    return this.isUsed(slot) ? this.floats[slot * this.floatStride + this.floatStart] : NEVER
  }

  /** Gives an unused slot an empty ring; `add` does so by itself. */
  open(slot: number): void {
    if (slot >= this.slotCapacity) this.growSlots(slot + 1)
    const m = slot * this.intStride
    const wide = this.alwaysWide ? 1 : 0
    this.ints[m + BLOCK] = this.pool.allocate(FIRST_LOG2 + wide)
    this.ints[m + SHAPE] = HAS_RING | FIRST_LOG2 | (wide * WIDE)
    this.words = this.pool.words
    this.floats[slot * this.floatStride + this.floatStart] = NEVER
  }

  /** Gives the room of a slot's ring back and clears its bookkeeping. */
  protected close(slot: number): void {
    const m = slot * this.intStride
    const shape = this.ints[m + SHAPE]
    this.pool.release(this.ints[m + BLOCK], (shape & 31) + (shape & WIDE ? 1 : 0))
    this.ints.fill(0, m, m + this.intStride)
  }

  /** Time of an event held. */
  protected timeAt(slot: number, index: number): number {
    const m = slot * this.intStride
    const at = index & ((1 << (this.ints[m + SHAPE] & 31)) - 1)
    if (this.ints[m + SHAPE] & WIDE) return this.pool.doubles[this.ints[m + BLOCK] + 2 * at]
    const clockMs = this.floats[slot * this.floatStride + this.floatStart]
    return clockMs - (((clockMs | 0) - this.words[(this.ints[m + BLOCK] + at) * 2]) >>> 0)
  }

  /** Value of an event held. */
  protected valueAt(slot: number, index: number): number {
    const m = slot * this.intStride
    const at = index & ((1 << (this.ints[m + SHAPE] & 31)) - 1)
    if (this.ints[m + SHAPE] & WIDE) return this.pool.doubles[this.ints[m + BLOCK] + 2 * at + 1]
    return this.words[(this.ints[m + BLOCK] + at) * 2 + 1]
  }

  /** Writes an event; its value must fit the slot's layout. */
  protected put(slot: number, index: number, event: { readonly timeMs: number; readonly value: number }): void {
    const m = slot * this.intStride
    const at = index & ((1 << (this.ints[m + SHAPE] & 31)) - 1)
    const block = this.ints[m + BLOCK]
    if (this.ints[m + SHAPE] & WIDE) {
      this.pool.doubles[block + 2 * at] = event.timeMs
      this.pool.doubles[block + 2 * at + 1] = event.value
    } else {
      this.words[(block + at) * 2] = event.timeMs | 0
      this.words[(block + at) * 2 + 1] = event.value
    }
  }

  /** Index of the first event held that is newer than `timeMs`. */
  protected firstAfter(slot: number, timeMs: number): number {
    let low = this.ints[slot * this.intStride + BASE]
    let high = this.ints[slot * this.intStride + HEAD]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeAt(slot, middle) <= timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * Lets go of events that are of no use any more at the slot's clock. Those in the longest window are surely of use, so it looks from there
   * back, and adds up the distances from event to event: an age is not to be trusted where it could have passed 2^32.
   */
  protected trim(slot: number): void {
    const m = slot * this.intStride
    const base = this.ints[m + BASE]
    let index = this.ints[m + TAILS + this.longest]
    let newerMs = index < this.ints[m + HEAD] ? this.timeAt(slot, index) : this.clockMs(slot)
    const edgeMs = this.clockMs(slot) - this.spanMs
    while (index > base) {
      const distanceMs = newerMs - this.timeAt(slot, index - 1)
      newerMs -= this.ints[m + SHAPE] & WIDE ? distanceMs : distanceMs - Math.floor(distanceMs / TWO_32) * TWO_32
      if (newerMs <= edgeMs) break
      index--
    }
    this.ints[m + BASE] = index
  }

  /** Moves the ring to one of 2^log2 entries, wide ones if asked or needed, and counts from 0 again. Trim it first: ages must be true. */
  protected relayout(slot: number, log2: number, mustBeWide = false): void {
    const m = slot * this.intStride
    const ints = this.ints
    const from = ints[m + BLOCK]
    const shape = ints[m + SHAPE]
    const base = ints[m + BASE]
    const head = ints[m + HEAD]
    const wide = mustBeWide || this.alwaysWide || (shape & BIG) !== 0 || ((shape & WIDE) !== 0 && this.holdsWide(slot))
    const to = this.pool.allocate(log2 + (wide ? 1 : 0))
    const words = (this.words = this.pool.words)
    const carried: { timeMs: number; value: number }[] = []
    if (wide || shape & WIDE) for (let i = base; i < head; i++) carried.push({ timeMs: this.timeAt(slot, i), value: this.valueAt(slot, i) })
    else {
      const mask = (1 << (shape & 31)) - 1
      for (let i = base, b = to * 2; i < head; i++) {
        const a = (from + (i & mask)) * 2
        words[b++] = words[a]
        words[b++] = words[a + 1]
      }
    }
    ints[m + BLOCK] = to
    ints[m + SHAPE] = (shape & ~(31 | WIDE)) | log2 | (wide ? WIDE : 0)
    this.renumber(slot, base)
    carried.forEach((event, index) => this.put(slot, index, event))
    this.pool.release(from, (shape & 31) + (shape & WIDE ? 1 : 0))
  }

  private holdsWide(slot: number): boolean {
    for (let i = this.ints[slot * this.intStride + BASE]; i < this.ints[slot * this.intStride + HEAD]; i++) {
      const value = this.valueAt(slot, i)
      if ((value | 0) !== value) return true
    }
    return false
  }

  /** Turns a slot's counters back. */
  protected renumber(slot: number, by: number): void {
    const m = slot * this.intStride
    assert(by >= 0 && by <= this.ints[m + BASE], 'counters can only be turned back to the oldest event held')
    for (let k = HEAD; k < TAILS + this.widths; k++) this.ints[m + k] -= by
  }

  /** Writes everything as it lies. */
  writeRings(writer: ByteWriter): void {
    writer.words(wordsOf(this.ints))
    this.pool.write(writer)
  }

  /** Replaces everything by what `write` wrote. Throws `snapshot-unusable`. */
  readRings(reader: ByteReader): void {
    const ints = reader.wordsInPlace()
    if (ints.length % this.intStride !== 0) reader.refuse(`${ints.length} words of bookkeeping, which is no whole number of slots`)
    if (ints.length > this.ints.length) this.growSlots(ints.length / this.intStride)
    wordsOf(this.ints).set(ints)
    this.pool.read(reader)
    this.words = this.pool.words
  }
}
