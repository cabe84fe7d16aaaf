import { strict as assert } from 'node:assert'
import { exactSum } from './exact-sum'
import { SlabPool } from './slab-pool'

/** What a `KeyedRings` is made of; fixed for its life. */
export interface KeyedRingsOptions {
  /** Lengths of the windows, in ms: 1 to 8 of them, in any order. */
  readonly widthsMs: readonly number[]
  /** Windows end this long before the time of reading: `(at - delay - width, at - delay]`. Default 0. */
  readonly delayMs?: number
  /** How far behind a slot's newest time a late view is still exact, in ms. Default one hour. */
  readonly graceMs?: number
  /** Events kept per key, rounded up to a power of two. Default 4,096, at most 2^20. Beyond it the oldest are dropped and windows say so. */
  readonly maxEventsPerKey?: number
  /** Slots to make room for at once; more are added as needed. Default 1,024. */
  readonly slots?: number
}

// Bookkeeping of a slot, in 32-bit integers: for three widths it is one cache line of 64 bytes.
const BLOCK = 0 // first pair of its ring in the pool
const SHAPE = 1 // bits 0-4: log2 of the ring's capacity; bit 5: has a ring; flags above
const HEAD = 2 // events ever written; the counters are turned back before they reach 2^31
const DUE = 3 // events at or before clock - delay
const BASE = 4 // oldest event held
const TAILS = 5 // one per width: oldest event inside

const HAS_RING = 32
const WIDE = 64 // holds a value so large that a running sum could leave 2^53: sums are made anew at each read
const LOSSY = 128 // lost events to the cap that some window may still cover
const FLAGS = WIDE | LOSSY

const FIRST_LOG2 = 2
const NEVER = -Infinity

/**
 * Exact counts and sums over sliding windows, for many keys and several widths at once.
 *
 * Per slot (a small integer per key, see `KeyInterner`) there is one ring of (time, value), sorted by time, equal times in order of
 * arrival; one tail and one running sum per width. A step costs O(1) on average, 16 bytes an event, and about 100 bytes a slot.
 *
 * ```
 *   time ─────●──●───────●────●──●───────●──●──▶
 *             │          │       │          └ head: newest written
 *             │          │       └ due: at - delay
 *             │          └ tail of a short width
 *             └ tail of the longest width
 * ```
 *
 * Times are integer milliseconds and values safe integers (`|v| < 2^53`). Sums are exact up to 2^53 - 1; a sum beyond that reads
 * as ±(2^53 - 1) and `exact` is 0 for its width.
 *
 * @example
 * const rings = new KeyedRings({ widthsMs: [86_400_000] })
 * const out = new Float64Array(2)
 * rings.add(0, 1_000, 250)
 * rings.read(0, 1_000, out, 0) // true; out is [1, 250]
 */
export class KeyedRings {
  readonly widthsMs: Float64Array
  readonly delayMs: number
  readonly graceMs: number
  readonly maxEventsPerKey: number
  /** After a `read` that returned false: 1 for each width whose figures are exact, 0 where they are a bound (see `read`). */
  readonly exact: Uint8Array

  private readonly widths: number
  private readonly spanMs: number
  private readonly maxLog2: number
  /** Values up to here cannot take the sum of a full ring out of 2^53. */
  private readonly plainLimit: number
  private readonly intStride: number
  private readonly floatStride: number
  private readonly floatStart: number
  private readonly scratch: Float64Array
  private readonly pool: SlabPool
  private readonly lostThrough = new Map<number, number>()
  private ints!: Int32Array
  private floats!: Float64Array
  private pairs: Float64Array
  private slotCapacity = 0

  constructor(options: KeyedRingsOptions) {
    const { widthsMs, delayMs = 0, graceMs = 3_600_000, maxEventsPerKey = 4096, slots = 1024 } = options
    assert(widthsMs.length >= 1 && widthsMs.length <= 8, `widthsMs has ${widthsMs.length} widths; allowed are 1 to 8`)
    for (const width of widthsMs)
      assert(Number.isSafeInteger(width) && width > 0, `a width of ${width} ms; it must be a whole number above 0`)
    assert(Number.isSafeInteger(delayMs) && delayMs >= 0, `delayMs is ${delayMs}; it must be a whole number, 0 or more`)
    assert(Number.isSafeInteger(graceMs) && graceMs >= 0, `graceMs is ${graceMs}; it must be a whole number, 0 or more`)
    assert(maxEventsPerKey >= 1 && maxEventsPerKey <= 1 << 20, `maxEventsPerKey is ${maxEventsPerKey}; allowed is 1 to 2^20`)
    this.widths = widthsMs.length
    this.widthsMs = Float64Array.from(widthsMs)
    this.delayMs = delayMs
    this.graceMs = graceMs
    this.maxLog2 = Math.max(FIRST_LOG2, 32 - Math.clz32(maxEventsPerKey - 1))
    this.maxEventsPerKey = 1 << this.maxLog2
    this.plainLimit = Math.floor(Number.MAX_SAFE_INTEGER / this.maxEventsPerKey)
    this.spanMs = delayMs + Math.max(...widthsMs) + graceMs
    this.exact = new Uint8Array(this.widths).fill(1)
    this.floatStart = (TAILS + this.widths + 1) >> 1
    this.floatStride = this.floatStart + 1 + this.widths
    this.intStride = this.floatStride * 2
    this.scratch = new Float64Array(2 * this.widths)
    this.pool = new SlabPool(slots * 8)
    this.pairs = this.pool.pairs
    this.growSlots(slots)
  }

  private growSlots(need: number): void {
    const capacity = Math.max(need, this.slotCapacity < 1 << 18 ? this.slotCapacity * 2 : this.slotCapacity + (this.slotCapacity >>> 2))
    const ints = new Int32Array(capacity * this.intStride)
    if (this.slotCapacity > 0) ints.set(this.ints)
    this.ints = ints
    this.floats = new Float64Array(ints.buffer)
    this.slotCapacity = capacity
  }

  /** Bytes reserved, and bytes of ring room in use. */
  get usage(): { readonly reservedBytes: number; readonly usedBytes: number } {
    const { reservedBytes, usedBytes } = this.pool.usage
    return { reservedBytes: reservedBytes + this.ints.byteLength, usedBytes: usedBytes + this.ints.byteLength }
  }

  /** Takes an event in, on time or late, and reads nothing. One so late that no view could need it is forgotten in time. */
  add(slot: number, timeMs: number, value: number): void {
    if (!(value <= this.plainLimit && value >= -this.plainLimit)) {
      this.addWide(slot, timeMs, value)
      return
    }
    if (slot >= this.slotCapacity) this.growSlots(slot + 1)
    const m = slot * this.intStride
    const ints = this.ints
    const shape = ints[m + SHAPE]
    if (shape === 0 || ints[m + HEAD] - ints[m + BASE] >= 1 << (shape & 31)) this.makeRoom(slot, timeMs)
    const mask = (1 << (ints[m + SHAPE] & 31)) - 1
    const head = ints[m + HEAD]
    const pairs = this.pairs
    const block = ints[m + BLOCK]
    if (head !== ints[m + BASE] && timeMs < pairs[(block + ((head - 1) & mask)) * 2]) this.insert(slot, timeMs, value)
    else {
      // Behind the due mark or not: the next move of the tails takes it up from here.
      const a = (block + (head & mask)) * 2
      pairs[a] = timeMs
      pairs[a + 1] = value
    }
    ints[m + HEAD] = head + 1
  }

  /** `add`, then `read` at the event's own time: the same results, in one go. What a stream of events wants. Positional for speed. */
  step(slot: number, timeMs: number, value: number, out: Float64Array, offset: number): boolean {
    const ints = this.ints
    const floats = this.floats
    const pairs = this.pairs
    const widthsMs = this.widthsMs
    const m = slot * this.intStride
    if (slot >= this.slotCapacity || !(value <= this.plainLimit && value >= -this.plainLimit))
      return this.stepSlowly(slot, timeMs, value, out, offset)
    const block = ints[m + BLOCK]
    const shape = ints[m + SHAPE]
    const head = ints[m + HEAD]
    const mask = (1 << (shape & 31)) - 1
    let f = (m >> 1) + this.floatStart
    const a = (block + (head & mask)) << 1
    if (
      (shape & (FLAGS | HAS_RING)) !== HAS_RING ||
      head - ints[m + BASE] > mask ||
      timeMs < floats[f] ||
      timeMs < pairs[(block + ((head - 1) & mask)) << 1]
    ) {
      return this.stepSlowly(slot, timeMs, value, out, offset)
    }
    pairs[a] = timeMs
    pairs[a + 1] = value
    const end = head + 1
    ints[m + HEAD] = end
    floats[f] = timeMs
    const dueAtMs = timeMs - this.delayMs
    let due = ints[m + DUE]
    let entered = 0
    for (; due < end; due++) {
      const d = (block + (due & mask)) << 1
      if (pairs[d] > dueAtMs) break
      entered += pairs[d + 1]
    }
    ints[m + DUE] = due
    let o = offset
    let t = m + TAILS
    for (let w = 0; w < widthsMs.length; w++) {
      const edgeMs = dueAtMs - widthsMs[w]
      let tail = ints[t]
      let sum = floats[++f] + entered
      for (; tail < due; tail++) {
        const d = (block + (tail & mask)) << 1
        if (pairs[d] > edgeMs) break
        sum -= pairs[d + 1]
      }
      ints[t++] = tail
      floats[f] = sum
      out[o++] = due - tail
      out[o++] = sum
    }
    return true
  }

  private stepSlowly(slot: number, timeMs: number, value: number, out: Float64Array, offset: number): boolean {
    this.add(slot, timeMs, value)
    return this.read(slot, timeMs, out, offset)
  }

  /**
   * Writes count and sum of each width, interleaved (`count, sum, count, sum, ...`, 2 numbers a width in the order of `widthsMs`),
   * over the events in `(at - delay - width, at - delay]`, to `out` from `offset` on.
   *
   * With `atMs` at or after every earlier reading the tails move there. With an earlier one (a late event's own view) nothing moves: what
   * is newer than `atMs` is left out, and the figures are exact within the grace.
   *
   * Returns true if all figures are exact. Otherwise `exact` tells for which widths; the others cover only the newest events that are still held:
   * their count is a lower bound (their sum too where no value is negative), or their sum does not fit in 2^53.
   */
  read(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    if (slot >= this.slotCapacity || this.ints[slot * this.intStride + SHAPE] === 0) {
      out.fill(0, offset, offset + 2 * this.widths)
      return true
    }
    if (atMs < this.floats[slot * this.floatStride + this.floatStart]) return this.viewLate(slot, atMs, out, offset)
    this.moveTo(slot, atMs, out, offset)
    return (this.ints[slot * this.intStride + SHAPE] & FLAGS) === 0 ? true : this.qualify(slot, atMs, out, offset)
  }

  private moveTo(slot: number, atMs: number, out: Float64Array, offset: number): void {
    const ints = this.ints
    const floats = this.floats
    const pairs = this.pairs
    const widthsMs = this.widthsMs
    const m = slot * this.intStride
    const block = ints[m + BLOCK]
    const mask = (1 << (ints[m + SHAPE] & 31)) - 1
    const head = ints[m + HEAD]
    const dueAtMs = atMs - this.delayMs
    let f = (m >> 1) + this.floatStart
    let due = ints[m + DUE]
    let entered = 0
    let a = 0
    floats[f] = atMs
    while (due < head && pairs[(a = (block + (due & mask)) << 1)] <= dueAtMs) {
      entered += pairs[a + 1]
      due++
    }
    ints[m + DUE] = due
    let o = offset
    for (let w = 0, t = m + TAILS; w < widthsMs.length; w++, t++) {
      const edgeMs = dueAtMs - widthsMs[w]
      let tail = ints[t]
      let sum = floats[++f] + entered
      while (tail < due && pairs[(a = (block + (tail & mask)) << 1)] <= edgeMs) {
        sum -= pairs[a + 1]
        tail++
      }
      ints[t] = tail
      floats[f] = sum
      out[o] = due - tail
      out[o + 1] = sum
      o += 2
    }
  }

  /** Turns the running figures of a slot with flags into what may be told, and clears flags that no longer hold. */
  private qualify(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    const ints = this.ints
    const m = slot * this.intStride
    this.exact.fill(1)
    let all = true
    if (ints[m + SHAPE] & LOSSY) {
      const lostMs = this.lostThrough.get(slot) ?? NEVER
      if (lostMs <= atMs - this.spanMs) this.forgetLoss(slot)
      for (let w = 0; w < this.widths; w++) if (lostMs > atMs - this.delayMs - this.widthsMs[w]) all = this.markBound(w)
    }
    if (ints[m + SHAPE] & WIDE) {
      const narrow = this.isNarrow(slot)
      const f = slot * this.floatStride + this.floatStart + 1
      for (let w = 0; w < this.widths; w++) {
        const sum = this.sumOf(slot, ints[m + TAILS + w], ints[m + DUE])
        if (narrow) this.floats[f + w] = sum
        out[offset + 2 * w + 1] = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, sum))
        if (!Number.isFinite(sum)) all = this.markBound(w)
      }
      if (narrow) ints[m + SHAPE] &= ~WIDE
    }
    return all
  }

  private markBound(width: number): false {
    this.exact[width] = 0
    return false
  }

  private forgetLoss(slot: number): void {
    this.lostThrough.delete(slot)
    this.ints[slot * this.intStride + SHAPE] &= ~LOSSY
  }

  /** True if nothing in the ring is above the limit for running sums. */
  private isNarrow(slot: number): boolean {
    const m = slot * this.intStride
    for (let i = this.ints[m + BASE]; i < this.ints[m + HEAD]; i++) {
      if (Math.abs(this.pairs[this.pairAt(slot, i) + 1]) > this.plainLimit) return false
    }
    return true
  }

  private pairAt(slot: number, index: number): number {
    const m = slot * this.intStride
    return (this.ints[m + BLOCK] + (index & ((1 << (this.ints[m + SHAPE] & 31)) - 1))) * 2
  }

  private sumOf(slot: number, from: number, to: number): number {
    const m = slot * this.intStride
    return exactSum(this.pairs, { block: this.ints[m + BLOCK], mask: (1 << (this.ints[m + SHAPE] & 31)) - 1, from, to })
  }

  /** Index of the first event held that is newer than `timeMs`. */
  private firstAfter(slot: number, timeMs: number): number {
    const m = slot * this.intStride
    let low = this.ints[m + BASE]
    let high = this.ints[m + HEAD]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.pairs[this.pairAt(slot, middle)] <= timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** A view before the slot's clock: by search and scan, ignoring what lazy expiry may or may not have left behind. */
  private viewLate(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    const floorMs = Math.max(this.clockMs(slot) - this.spanMs, this.lostThroughMs(slot))
    const dueAtMs = atMs - this.delayMs
    const to = this.firstAfter(slot, dueAtMs)
    let all = true
    this.exact.fill(1)
    for (let w = 0; w < this.widths; w++) {
      const edgeMs = dueAtMs - this.widthsMs[w]
      const from = Math.min(to, this.firstAfter(slot, Math.max(edgeMs, this.clockMs(slot) - this.spanMs)))
      const sum = this.sumOf(slot, from, to)
      out[offset + 2 * w] = to - from
      out[offset + 2 * w + 1] = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, sum))
      if (edgeMs < floorMs || !Number.isFinite(sum)) all = this.markBound(w)
    }
    return all
  }

  private addWide(slot: number, timeMs: number, value: number): void {
    assert(Number.isSafeInteger(value), `value is ${value}; it must be a safe integer`)
    this.add(slot, timeMs, 0)
    // The zero went in at the right place, last among equal times, and changed no sum: put the value there and sum anew at each read.
    const index = this.firstAfter(slot, timeMs) - 1
    this.pairs[this.pairAt(slot, index) + 1] = value
    this.ints[slot * this.intStride + SHAPE] |= WIDE
  }

  /** Opens a place for a late event, after those of equal time, and accounts for it where the due mark and tails have passed the place. */
  private insert(slot: number, timeMs: number, value: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    const pairs = this.pairs
    let index = ints[m + HEAD]
    let a = this.pairAt(slot, index)
    while (index > ints[m + BASE]) {
      const b = this.pairAt(slot, index - 1)
      if (pairs[b] <= timeMs) break
      pairs[a] = pairs[b]
      pairs[a + 1] = pairs[b + 1]
      a = b
      index--
    }
    pairs[a] = timeMs
    pairs[a + 1] = value
    if (index >= ints[m + DUE]) return
    ints[m + DUE]++
    const f = (m >> 1) + this.floatStart + 1
    for (let w = 0; w < this.widths; w++) {
      if (index < ints[m + TAILS + w]) ints[m + TAILS + w]++
      else this.floats[f + w] += value
    }
  }

  /** Called with a full ring or none: makes room for one more, by expiry, a larger ring, or dropping the oldest. */
  private makeRoom(slot: number, timeMs: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    if (ints[m + SHAPE] === 0) {
      this.open(slot)
      return
    }
    const log2 = ints[m + SHAPE] & 31
    const capacity = 1 << log2
    const held = this.dropExpired(slot, timeMs)
    if (held * 8 >= capacity * 7 && log2 < this.maxLog2) this.resize(slot, log2 + 1)
    else if (held === capacity) this.dropOldest(slot)
    else if (held * 8 <= capacity && log2 > FIRST_LOG2) this.resize(slot, log2 - 1)
    if (ints[m + HEAD] > 1 << 30) this.renumber(slot, ints[m + BASE] & -capacity)
  }

  /** Moves the slot's clock to `timeMs` if that is later, drops what no view needs any more, and returns how many events stay. */
  private dropExpired(slot: number, timeMs: number): number {
    const m = slot * this.intStride
    const clockMs = Math.max(this.clockMs(slot), timeMs)
    this.moveTo(slot, clockMs, this.scratch, 0)
    this.ints[m + BASE] = this.firstAfter(slot, clockMs - this.spanMs)
    return this.ints[m + HEAD] - this.ints[m + BASE]
  }

  private dropOldest(slot: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    const f = slot * this.floatStride + this.floatStart + 1
    const base = ints[m + BASE]
    const a = this.pairAt(slot, base)
    for (let w = 0; w < this.widths; w++) {
      if (ints[m + TAILS + w] > base) continue
      ints[m + TAILS + w]++
      if (base < ints[m + DUE]) this.floats[f + w] -= this.pairs[a + 1]
    }
    if (ints[m + DUE] === base) ints[m + DUE]++
    ints[m + BASE]++
    this.lostThrough.set(slot, Math.max(this.lostThroughMs(slot), this.pairs[a]))
    ints[m + SHAPE] |= LOSSY
  }

  private resize(slot: number, log2: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    const from = ints[m + BLOCK]
    const oldLog2 = ints[m + SHAPE] & 31
    const oldMask = (1 << oldLog2) - 1
    const to = this.pool.allocate(log2)
    const pairs = (this.pairs = this.pool.pairs)
    const base = ints[m + BASE]
    for (let i = base; i < ints[m + HEAD]; i++) {
      const a = (from + (i & oldMask)) * 2
      const b = (to + i - base) * 2
      pairs[b] = pairs[a]
      pairs[b + 1] = pairs[a + 1]
    }
    this.pool.release(from, oldLog2)
    ints[m + BLOCK] = to
    ints[m + SHAPE] = (ints[m + SHAPE] & ~31) | log2
    this.renumber(slot, base)
  }

  private renumber(slot: number, by: number): void {
    const m = slot * this.intStride
    for (let k = HEAD; k < TAILS + this.widths; k++) this.ints[m + k] -= by
  }

  /** Up to when the slot's windows have been moved: its latest reading, or later. -Infinity for one never used. */
  clockMs(slot: number): number {
    if (!this.isUsed(slot)) return NEVER
    return this.floats[slot * this.floatStride + this.floatStart]
  }

  /** Time of the newest event that the cap pushed out and that a window could still cover; -Infinity if none. Figures of windows that begin earlier are bounds. */
  lostThroughMs(slot: number): number {
    return this.lostThrough.get(slot) ?? NEVER
  }

  /** True for a slot that holds a ring. */
  isUsed(slot: number): boolean {
    return slot < this.slotCapacity && this.ints[slot * this.intStride + SHAPE] !== 0
  }

  /** One above the largest slot that has bookkeeping. */
  get slotEnd(): number {
    return this.slotCapacity
  }

  /** Calls `visit` with each event of the slot that a view at `atMs` or later could need, oldest first. */
  forEachHeld(slot: number, atMs: number, visit: (timeMs: number, value: number) => void): void {
    if (!this.isUsed(slot)) return
    const end = this.ints[slot * this.intStride + HEAD]
    for (let i = this.firstAfter(slot, atMs - this.spanMs); i < end; i++) {
      const a = this.pairAt(slot, i)
      visit(this.pairs[a], this.pairs[a + 1])
    }
  }

  /** Longest time that an event is of use, in ms: delay + longest width + grace. */
  get retentionMs(): number {
    return this.spanMs
  }

  /** Gives an unused slot an empty ring; `add` does so by itself. */
  open(slot: number): void {
    if (slot >= this.slotCapacity) this.growSlots(slot + 1)
    const m = slot * this.intStride
    this.ints[m + BLOCK] = this.pool.allocate(FIRST_LOG2)
    this.ints[m + SHAPE] = HAS_RING | FIRST_LOG2
    this.pairs = this.pool.pairs
    this.floats[slot * this.floatStride + this.floatStart] = NEVER
  }

  /** Sets an unused slot to a clock and a loss, after its events were added; for restoring. */
  restoreClock(slot: number, clock: { readonly clockMs: number; readonly lostThroughMs: number }): void {
    if (clock.clockMs > this.clockMs(slot)) this.moveTo(slot, clock.clockMs, this.scratch, 0)
    if (clock.lostThroughMs === NEVER) return
    this.lostThrough.set(slot, clock.lostThroughMs)
    this.ints[slot * this.intStride + SHAPE] |= LOSSY
  }

  /**
   * Moves the slot to `atMs`, drops what no view needs any more and gives room back; an owner may sweep its quiet slots so.
   * Returns true if the slot still holds something.
   */
  expire(slot: number, atMs: number): boolean {
    if (!this.isUsed(slot)) return false
    const held = this.dropExpired(slot, atMs)
    if (this.lostThroughMs(slot) <= this.clockMs(slot) - this.spanMs) this.forgetLoss(slot)
    if (held === 0 && !this.lostThrough.has(slot)) {
      this.release(slot)
      return false
    }
    // Only where three quarters would stand empty: a ring that shrinks too readily grows again with the next events.
    const log2 = Math.max(FIRST_LOG2, 33 - Math.clz32(held))
    if (log2 < (this.ints[slot * this.intStride + SHAPE] & 31)) this.resize(slot, log2)
    return true
  }

  /** Forgets the slot and gives its room back. */
  release(slot: number): void {
    if (!this.isUsed(slot)) return
    const m = slot * this.intStride
    this.pool.release(this.ints[m + BLOCK], this.ints[m + SHAPE] & 31)
    this.lostThrough.delete(slot)
    this.ints.fill(0, m, m + this.intStride)
  }
}
