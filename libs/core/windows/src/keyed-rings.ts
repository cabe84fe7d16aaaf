import { strict as assert } from 'node:assert'
import { BASE, BIG, BLOCK, FIRST_LOG2, HAS_RING, HEAD, LOSSY, SHAPE, SPECIAL, TAILS, WIDE } from './ring-store'
import { ThreeTails, type RingRows } from './three-tails'

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

/**
 * Exact counts and sums over sliding windows, for many keys and several widths at once.
 *
 * Per slot (a small integer per key, see `KeyInterner`) there is one ring of (time, value), sorted by time, equal times in order of
 * arrival; one tail and one running sum per width. A step costs O(1) on average, 8 bytes an event (16 where a value does not fit in 32
 * bits, or events are kept for longer than 43 days: see `RingStore`), and about 64 bytes a slot.
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
export class KeyedRings extends ThreeTails {
  readonly graceMs: number
  readonly maxEventsPerKey: number
  private readonly maxLog2: number

  constructor(options: KeyedRingsOptions) {
    const { widthsMs, delayMs = 0, graceMs = 3_600_000, maxEventsPerKey = 4096, slots = 1024 } = options
    assert(widthsMs.length >= 1 && widthsMs.length <= 8, `widthsMs has ${widthsMs.length} widths; allowed are 1 to 8`)
    for (const width of widthsMs)
      assert(Number.isSafeInteger(width) && width > 0, `a width of ${width} ms; it must be a whole number above 0`)
    assert(Number.isSafeInteger(delayMs) && delayMs >= 0, `delayMs is ${delayMs}; it must be a whole number, 0 or more`)
    assert(Number.isSafeInteger(graceMs) && graceMs >= 0, `graceMs is ${graceMs}; it must be a whole number, 0 or more`)
    assert(maxEventsPerKey >= 1 && maxEventsPerKey <= 1 << 20, `maxEventsPerKey is ${maxEventsPerKey}; allowed is 1 to 2^20`)
    const maxLog2 = Math.max(FIRST_LOG2, 32 - Math.clz32(maxEventsPerKey - 1))
    super({ widthsMs, delayMs, graceMs, slots, maxEvents: 1 << maxLog2 })
    this.graceMs = graceMs
    this.maxLog2 = maxLog2
    this.maxEventsPerKey = 1 << maxLog2
  }

  /** Bytes reserved, and bytes of ring room in use. */
  get usage(): { readonly reservedBytes: number; readonly usedBytes: number } {
    const { reservedBytes, usedBytes } = this.pool.usage
    return { reservedBytes: reservedBytes + this.ints.byteLength, usedBytes: usedBytes + this.ints.byteLength }
  }

  /** Takes an event in, on time or late, and reads nothing. One so late that no view could need it is forgotten. */
  add(slot: number, timeMs: number, value: number): void {
    const ints = this.ints
    const m = slot * this.intStride
    if (slot < this.slotCapacity && (value | 0) === value) {
      const shape = ints[m + SHAPE]
      const mask = (1 << (shape & 31)) - 1
      const head = ints[m + HEAD]
      if ((shape & (HAS_RING | WIDE)) === HAS_RING && head - ints[m + BASE] <= mask && timeMs === this.floats[(m >> 1) + this.floatStart]) {
        // At the clock, as after a reading: nothing moves, and the next move takes it up from here.
        const a = (ints[m + BLOCK] + (head & mask)) << 1
        this.words[a] = timeMs | 0
        this.words[a + 1] = value
        ints[m + HEAD] = head + 1
        return
      }
    }
    this.addCarefully(slot, timeMs, value)
  }

  /** `add`, then `read` at the event's own time: the same results, in one go. What a stream of events wants. Positional for speed. */
  step(slot: number, timeMs: number, value: number, out: Float64Array, offset: number): boolean {
    if (slot >= this.slotCapacity || (value | 0) !== value) return this.stepCarefully(slot, timeMs, value, out, offset)
    const ints = this.ints
    const floats = this.floats
    const words = this.words
    const m = slot * this.intStride
    const shape = ints[m + SHAPE]
    const head = ints[m + HEAD]
    const mask = (1 << (shape & 31)) - 1
    const f = (m >> 1) + this.floatStart
    const moveMs = timeMs - floats[f]
    if ((shape & (SPECIAL | HAS_RING)) !== HAS_RING || head - ints[m + BASE] > mask || !(moveMs >= 0 && moveMs <= this.longestMoveMs))
      return this.stepCarefully(slot, timeMs, value, out, offset)
    const block = ints[m + BLOCK]
    const now = timeMs | 0
    const a = (block + (head & mask)) << 1
    words[a] = now
    words[a + 1] = value
    ints[m + HEAD] = head + 1
    floats[f] = timeMs
    if (this.widths === 3) this.moveThree(m, now, out, offset)
    else this.moveTails(m, now, out, offset)
    return true
  }

  /**
   * `step` for each row of a batch whose slot is 0 or more, in order; the figures of row `r` go to `out` from `place.first + r * place.stride` on, and
   * nothing is written for the others. `bound` is called for each row whose figures are not all exact, while `exact` tells which are.
   */
  stepRows(
    rows: RingRows,
    out: Float64Array,
    place: { readonly first: number; readonly stride: number; readonly bound: (row: number) => void },
  ): void {
    const { size, slots, timesMs, values } = rows
    for (let row = 0; row < size; row++) {
      if (this.widths === 3) row = this.stepPlainRows(rows, row, out, place)
      if (row < size && slots[row] >= 0 && !this.step(slots[row], timesMs[row], values[row], out, place.first + row * place.stride))
        place.bound(row)
    }
  }

  private stepCarefully(slot: number, timeMs: number, value: number, out: Float64Array, offset: number): boolean {
    this.addCarefully(slot, timeMs, value)
    return this.read(slot, timeMs, out, offset)
  }

  private addCarefully(slot: number, timeMs: number, value: number): void {
    assert(Number.isSafeInteger(timeMs), `time is ${timeMs}; it must be a safe integer`)
    assert(Number.isSafeInteger(value), `value is ${value}; it must be a safe integer`)
    if (!this.isUsed(slot)) this.open(slot)
    const clockMs = this.clockMs(slot)
    if (timeMs > clockMs) this.moveTo(slot, timeMs, this.scratch, 0)
    else if (timeMs <= clockMs - this.spanMs) return
    const m = slot * this.intStride
    const ints = this.ints
    if (ints[m + HEAD] - ints[m + BASE] >= 1 << (ints[m + SHAPE] & 31)) this.makeRoom(slot)
    if ((value | 0) !== value && (ints[m + SHAPE] & WIDE) === 0) {
      this.trim(slot)
      this.relayout(slot, ints[m + SHAPE] & 31, true)
    }
    if (value > this.plainLimit || value < -this.plainLimit) ints[m + SHAPE] |= BIG
    this.insert(slot, timeMs, value)
  }

  /**
   * Writes count and sum of each width, interleaved (`count, sum, count, sum, ...`, 2 numbers a width in the order of `widthsMs`),
   * over the events in `(at - delay - width, at - delay]`, to `out` from `offset` on.
   *
   * With `atMs` at or after every earlier event and reading the tails move there. With an earlier one (a late event's own view) nothing
   * moves: what is newer than `atMs` is left out, and the figures are exact within the grace.
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
    return (this.ints[slot * this.intStride + SHAPE] & (BIG | LOSSY)) === 0 ? true : this.qualify(slot, atMs, out, offset)
  }

  /**
   * Reads what `step` at some slots will read, so that the waits for memory overlap; changes nothing. Slots below 0 and unused ones are passed
   * over. The number that comes back only keeps the reading from being left out.
   */
  touchSlots(slots: Int32Array, count: number): number {
    const { ints, words, intStride, widths } = this
    let touched = 0
    for (let i = 0; i < count; i++) if (this.holds(slots[i])) touched ^= ints[slots[i] * intStride] ^ ints[slots[i] * intStride + 16]
    for (let i = 0; i < count; i++) {
      if (!this.holds(slots[i])) continue
      const m = slots[i] * intStride
      if ((ints[m + SHAPE] & (HAS_RING | WIDE)) !== HAS_RING) continue
      const block = ints[m + BLOCK]
      const mask = (1 << (ints[m + SHAPE] & 31)) - 1
      touched ^= words[(block + (ints[m + HEAD] & mask)) << 1]
      for (let tail = 0; tail < widths; tail++) touched ^= words[(block + (ints[m + TAILS + tail] & mask)) << 1]
    }
    return touched
  }

  private holds(slot: number): boolean {
    return slot >= 0 && slot < this.slotCapacity
  }

  protected clearRoom(slot: number, atMs: number): void {
    this.moveTo(slot, atMs, this.scratch, 0)
    this.makeRoom(slot)
  }

  /** Called with a full ring: makes room for one more, by letting go of what is of no use, a larger ring, or dropping the oldest. */
  private makeRoom(slot: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    const log2 = ints[m + SHAPE] & 31
    const capacity = 1 << log2
    this.trim(slot)
    const held = ints[m + HEAD] - ints[m + BASE]
    if (held * 8 >= capacity * 7 && log2 < this.maxLog2) this.relayout(slot, log2 + 1)
    else if (held === capacity) this.dropOldest(slot)
    else if (held * 8 <= capacity && log2 > FIRST_LOG2) this.relayout(slot, log2 - 1)
    if (ints[m + HEAD] > 1 << 30) this.renumber(slot, ints[m + BASE] & -capacity)
  }

  /** Calls `visit` with each event of the slot that a view at `atMs` (at or after the slot's clock) or later could need, oldest first. */
  forEachHeld(slot: number, atMs: number, visit: (timeMs: number, value: number) => void): void {
    if (!this.isUsed(slot)) return
    this.trim(slot)
    const end = this.ints[slot * this.intStride + HEAD]
    for (let i = this.firstAfter(slot, atMs - this.spanMs); i < end; i++) visit(this.timeAt(slot, i), this.valueAt(slot, i))
  }

  /** Longest time that an event is of use, in ms: delay + longest width + grace. */
  get retentionMs(): number {
    return this.spanMs
  }

  /**
   * Moves the slot to `atMs`, drops what no view needs any more and gives room back; an owner may sweep its quiet slots so.
   * Returns true if the slot still holds something.
   */
  expire(slot: number, atMs: number): boolean {
    if (!this.isUsed(slot)) return false
    if (atMs > this.clockMs(slot)) this.moveTo(slot, atMs, this.scratch, 0)
    this.trim(slot)
    const m = slot * this.intStride
    const held = this.ints[m + HEAD] - this.ints[m + BASE]
    if (this.lostThroughMs(slot) <= this.clockMs(slot) - this.spanMs) this.forgetLoss(slot)
    if (held === 0 && !this.lostThrough.has(slot)) {
      this.release(slot)
      return false
    }
    // Only where three quarters would stand empty: a ring that shrinks too readily grows again with the next events.
    const log2 = Math.max(FIRST_LOG2, 33 - Math.clz32(held))
    if (log2 < (this.ints[m + SHAPE] & 31)) this.relayout(slot, log2)
    return true
  }

  /** Forgets the slot and gives its room back. */
  release(slot: number): void {
    if (!this.isUsed(slot)) return
    this.lostThrough.delete(slot)
    this.close(slot)
  }
}
