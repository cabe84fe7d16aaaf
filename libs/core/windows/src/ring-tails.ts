import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { exactSum } from './exact-sum'
import { BASE, BIG, BLOCK, DUE, HEAD, LOSSY, NEVER, RingStore, SHAPE, TAILS, WIDE } from './ring-store'

/**
 * Keeps, for each slot, a due mark and one tail and running sum per width up to date with the slot's clock: what lies between due mark
 * and tail is inside the window. Also views before the clock, and losses to the cap. The public face is `KeyedRings`.
 */
export class RingTails extends RingStore {
  readonly widthsMs: Float64Array
  readonly delayMs: number
  /** After a `read` that returned false: 1 for each width whose figures are exact, 0 where they are a bound (see `read`). */
  readonly exact: Uint8Array
  /** Ages at which an event leaves each width. */
  protected readonly leaveMs: Float64Array
  /** Values up to here cannot take the sum of a full ring out of 2^53. */
  protected readonly plainLimit: number
  protected readonly scratch: Float64Array
  protected readonly lostThrough = new Map<number, number>()

  protected constructor(options: {
    readonly widthsMs: readonly number[]
    readonly delayMs: number
    readonly graceMs: number
    readonly maxEvents: number
    readonly slots: number
  }) {
    const { widthsMs, delayMs, graceMs, maxEvents, slots } = options
    const longestMs = Math.max(...widthsMs)
    super(widthsMs.length, delayMs + longestMs + graceMs, { longest: widthsMs.indexOf(longestMs), slots })
    this.widthsMs = Float64Array.from(widthsMs)
    this.delayMs = delayMs
    this.leaveMs = Float64Array.from(widthsMs, (width) => delayMs + width)
    this.plainLimit = Math.floor(Number.MAX_SAFE_INTEGER / maxEvents)
    this.exact = new Uint8Array(widthsMs.length).fill(1)
    this.scratch = new Float64Array(2 * widthsMs.length)
  }

  /** Time of the newest event that the cap pushed out and that a window could still cover; -Infinity if none. Figures of windows that begin earlier are bounds. */
  lostThroughMs(slot: number): number {
    return this.lostThrough.get(slot) ?? NEVER
  }

  /** Moves a slot's clock to `atMs`, at or after it, and its tails with it; writes count and sum of each width as they run. */
  protected moveTo(slot: number, atMs: number, out: Float64Array, offset: number): void {
    const m = slot * this.intStride
    const f = (m >> 1) + this.floatStart
    const ints = this.ints
    const floats = this.floats
    // A long silence goes in steps, each so short that no age passes 2^32 on the way.
    while (atMs - floats[f] > this.longestMoveMs && ints[m + BASE] !== ints[m + HEAD] && (ints[m + SHAPE] & WIDE) === 0) {
      floats[f] += this.longestMoveMs
      this.moveTails(m, floats[f] | 0, out, offset)
      this.trim(slot)
    }
    floats[f] = atMs
    if (ints[m + SHAPE] & WIDE) this.moveWideTails(m, atMs, out, offset)
    else this.moveTails(m, atMs | 0, out, offset)
    // With nothing in the longest window, nothing else would notice the events before it grow older than 2^32.
    if (ints[m + TAILS + this.longest] === ints[m + HEAD] && ints[m + BASE] !== ints[m + HEAD]) this.trim(slot)
  }

  /** Moves the due mark and the tails of a slot with narrow entries to the clock, whose low bits are `now`; writes count and sum of each width. */
  protected moveTails(m: number, now: number, out: Float64Array, offset: number): void {
    const ints = this.ints
    const floats = this.floats
    const words = this.words
    const leaveMs = this.leaveMs
    const delayMs = this.delayMs
    const block = ints[m + BLOCK]
    const mask = (1 << (ints[m + SHAPE] & 31)) - 1
    const head = ints[m + HEAD]
    let f = (m >> 1) + this.floatStart
    let due = ints[m + DUE]
    let entered = 0
    for (; due < head; due++) {
      const a = (block + (due & mask)) << 1
      if ((now - words[a]) >>> 0 < delayMs) break
      entered += words[a + 1]
    }
    ints[m + DUE] = due
    let o = offset
    let t = m + TAILS
    for (let w = 0; w < leaveMs.length; w++) {
      const leavesMs = leaveMs[w]
      let tail = ints[t]
      let sum = floats[++f] + entered
      for (; tail < due; tail++) {
        const a = (block + (tail & mask)) << 1
        if ((now - words[a]) >>> 0 < leavesMs) break
        sum -= words[a + 1]
      }
      ints[t++] = tail
      floats[f] = sum
      out[o++] = due - tail
      out[o++] = sum
    }
  }

  /** `moveTails` for wide entries. */
  private moveWideTails(m: number, atMs: number, out: Float64Array, offset: number): void {
    const ints = this.ints
    const floats = this.floats
    const doubles = this.pool.doubles
    const block = ints[m + BLOCK]
    const mask = (1 << (ints[m + SHAPE] & 31)) - 1
    const head = ints[m + HEAD]
    const f = (m >> 1) + this.floatStart + 1
    let due = ints[m + DUE]
    let entered = 0
    for (; due < head; due++) {
      const a = block + 2 * (due & mask)
      if (atMs - doubles[a] < this.delayMs) break
      entered += doubles[a + 1]
    }
    ints[m + DUE] = due
    for (let w = 0; w < this.widths; w++) {
      let tail = ints[m + TAILS + w]
      let sum = floats[f + w] + entered
      for (; tail < due; tail++) {
        const a = block + 2 * (tail & mask)
        if (atMs - doubles[a] < this.leaveMs[w]) break
        sum -= doubles[a + 1]
      }
      ints[m + TAILS + w] = tail
      floats[f + w] = sum
      out[offset + 2 * w] = due - tail
      out[offset + 2 * w + 1] = sum
    }
  }

  /** Turns the running figures of a slot with flags into what may be told, and clears flags that no longer hold. */
  protected qualify(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    const ints = this.ints
    const m = slot * this.intStride
    this.exact.fill(1)
    let all = true
    if (ints[m + SHAPE] & LOSSY) {
      const lostMs = this.lostThroughMs(slot)
      if (lostMs <= atMs - this.spanMs) this.forgetLoss(slot)
      for (let w = 0; w < this.widths; w++) if (lostMs > atMs - this.delayMs - this.widthsMs[w]) all = this.markBound(w)
    }
    if (ints[m + SHAPE] & BIG) {
      const plain = !this.holdsBig(slot)
      const f = slot * this.floatStride + this.floatStart + 1
      for (let w = 0; w < this.widths; w++) {
        const sum = this.sumOf(slot, ints[m + TAILS + w], ints[m + DUE])
        if (plain) this.floats[f + w] = sum
        out[offset + 2 * w + 1] = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, sum))
        if (!Number.isFinite(sum)) all = this.markBound(w)
      }
      if (plain) ints[m + SHAPE] &= ~BIG
    }
    return all
  }

  private markBound(width: number): false {
    this.exact[width] = 0
    return false
  }

  protected forgetLoss(slot: number): void {
    this.lostThrough.delete(slot)
    this.ints[slot * this.intStride + SHAPE] &= ~LOSSY
  }

  private holdsBig(slot: number): boolean {
    for (let i = this.ints[slot * this.intStride + BASE]; i < this.ints[slot * this.intStride + HEAD]; i++) {
      if (Math.abs(this.valueAt(slot, i)) > this.plainLimit) return true
    }
    return false
  }

  private sumOf(slot: number, from: number, to: number): number {
    const m = slot * this.intStride
    const mask = (1 << (this.ints[m + SHAPE] & 31)) - 1
    if (this.ints[m + SHAPE] & WIDE) return exactSum(this.pool.doubles, { block: this.ints[m + BLOCK], mask, from, to })
    let sum = 0
    for (let i = from; i < to; i++) sum += this.valueAt(slot, i)
    return sum
  }

  /** A view before the slot's clock: by search and scan. */
  protected viewLate(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    this.trim(slot)
    const floorMs = Math.max(this.clockMs(slot) - this.spanMs, this.lostThroughMs(slot))
    const dueAtMs = atMs - this.delayMs
    const to = this.firstAfter(slot, dueAtMs)
    let all = true
    this.exact.fill(1)
    for (let w = 0; w < this.widths; w++) {
      const edgeMs = dueAtMs - this.widthsMs[w]
      const from = Math.min(to, this.firstAfter(slot, edgeMs))
      const sum = this.sumOf(slot, from, to)
      out[offset + 2 * w] = to - from
      out[offset + 2 * w + 1] = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, sum))
      if (edgeMs < floorMs || !Number.isFinite(sum)) all = this.markBound(w)
    }
    return all
  }

  /** Puts an event into its place, after those of equal time, and accounts for it where the due mark and tails have passed the place. */
  protected insert(slot: number, timeMs: number, value: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    let index = ints[m + HEAD]
    if (index > ints[m + BASE] && this.timeAt(slot, index - 1) > timeMs) {
      this.trim(slot)
      while (index > ints[m + BASE]) {
        const older = this.timeAt(slot, index - 1)
        if (older <= timeMs) break
        this.put(slot, index, { timeMs: older, value: this.valueAt(slot, index - 1) })
        index--
      }
    }
    this.put(slot, index, { timeMs, value })
    ints[m + HEAD]++
    if (index >= ints[m + DUE]) return
    ints[m + DUE]++
    const f = (m >> 1) + this.floatStart + 1
    for (let w = 0; w < this.widths; w++) {
      if (index < ints[m + TAILS + w]) ints[m + TAILS + w]++
      else this.floats[f + w] += value
    }
  }

  /** Makes room in a full ring of the largest size, and remembers that figures are bounds while a window covers what was lost. */
  protected dropOldest(slot: number): void {
    const m = slot * this.intStride
    const ints = this.ints
    const f = (m >> 1) + this.floatStart + 1
    const base = ints[m + BASE]
    const timeMs = this.timeAt(slot, base)
    const value = this.valueAt(slot, base)
    for (let w = 0; w < this.widths; w++) {
      if (ints[m + TAILS + w] > base) continue
      ints[m + TAILS + w]++
      if (base < ints[m + DUE]) this.floats[f + w] -= value
    }
    if (ints[m + DUE] === base) ints[m + DUE]++
    ints[m + BASE]++
    this.lostThrough.set(slot, Math.max(this.lostThroughMs(slot), timeMs))
    ints[m + SHAPE] |= LOSSY
  }

  override writeRings(writer: ByteWriter): void {
    super.writeRings(writer)
    writer.varint(this.lostThrough.size)
    for (const [slot, lostMs] of this.lostThrough) {
      writer.varint(slot)
      writer.f64(lostMs)
    }
  }

  override readRings(reader: ByteReader): void {
    super.readRings(reader)
    this.lostThrough.clear()
    for (let left = reader.varint(); left > 0; left--) this.lostThrough.set(reader.varint(), reader.f64())
  }
}
