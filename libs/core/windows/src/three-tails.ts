import { BASE, BLOCK, DUE, HAS_RING, HEAD, SHAPE, SPECIAL, TAILS } from './ring-store'
import { RingTails } from './ring-tails'

/** Rows of a batch: a slot (-1: none), a time and a value each. */
export interface RingRows {
  readonly size: number
  readonly slots: Int32Array
  readonly timesMs: Float64Array
  readonly values: Float64Array
}

/** What a slot of three widths takes, in 32-bit integers and in doubles: shifts, so that places are found without a multiplication. */
const INTS_LOG2 = 4
const FLOATS_LOG2 = 3
const CLOCK = 4
/** Rows whose memory is touched ahead of the work on them: few enough to stay in the nearest cache. */
const AHEAD = 64

/**
 * Adds to `RingTails` a way through whole batches for three widths, the usual number, written out in one loop with everything in locals.
 * What a step costs is waiting for memory; so the lines of 64 rows are asked for together, and only then worked on.
 */
export abstract class ThreeTails extends RingTails {
  /** What `touch` read: kept, so that no compiler finds the reading useless and leaves it out. */
  protected touched = 0

  /** Called with a full ring: moves the slot's clock to `atMs` and makes room for one more. */
  protected abstract clearRoom(slot: number, atMs: number): void

  /**
   * Steps through the rows from `from` on, as long as each is a plain case: a slot with a ring of narrow entries and no loss, a time at or
   * after its clock, a value of 32 bits. Returns the first row that is not, or the number of rows. For three widths only.
   */
  protected stepPlainRows(
    rows: RingRows,
    from: number,
    out: Float64Array,
    place: { readonly first: number; readonly stride: number },
  ): number {
    const { size, slots } = rows
    for (let row = from; row < size;) {
      const end = Math.min(size, row + AHEAD)
      this.touch(slots, row, end)
      const stopped = this.stepBlock(rows, row, end, out, place.first, place.stride)
      if (stopped < end) return stopped
      row = end
    }
    return size
  }

  /** Reads what the steps of some rows will read, so that the waits for memory overlap. */
  private touch(slots: Int32Array, from: number, end: number): void {
    const ints = this.ints
    const words = this.words
    let touched = 0
    const { slotCapacity } = this
    for (let row = from; row < end; row++) {
      const slot = slots[row]
      if (slot < 0 || slot >= slotCapacity) continue
      const m = slot << INTS_LOG2
      const block = ints[m + BLOCK]
      const mask = (1 << (ints[m + SHAPE] & 31)) - 1
      touched ^= words[(block + (ints[m + HEAD] & mask)) << 1]
      touched ^= words[(block + (ints[m + DUE] & mask)) << 1]
      touched ^= words[(block + (ints[m + TAILS] & mask)) << 1]
      touched ^= words[(block + (ints[m + TAILS + 1] & mask)) << 1]
      touched ^= words[(block + (ints[m + TAILS + 2] & mask)) << 1]
    }
    this.touched = touched
  }

  private stepBlock(rows: RingRows, from: number, end: number, out: Float64Array, first: number, stride: number): number {
    const { slots, timesMs, values } = rows
    const { ints, floats, slotCapacity, longestMoveMs, delayMs } = this
    const leaves1 = this.leaveMs[0]
    const leaves2 = this.leaveMs[1]
    const leaves3 = this.leaveMs[2]
    let words = this.words
    let o = from * stride + first
    for (let row = from; row < end; row++, o += stride) {
      const slot = slots[row]
      const timeMs = timesMs[row]
      const value = values[row] | 0
      if (slot < 0 || slot >= slotCapacity || value !== values[row]) return row
      const m = slot << INTS_LOG2
      const f = (slot << FLOATS_LOG2) + CLOCK
      const moveMs = timeMs - floats[f]
      let shape = ints[m + SHAPE]
      if ((shape & (SPECIAL | HAS_RING)) !== HAS_RING || !(moveMs >= 0 && moveMs <= longestMoveMs)) return row
      let head = ints[m + HEAD]
      if (head - ints[m + BASE] >= 1 << (shape & 31)) {
        this.clearRoom(slot, timeMs)
        words = this.words
        shape = ints[m + SHAPE]
        if ((shape & SPECIAL) !== 0) return row
        head = ints[m + HEAD]
      }
      const block = ints[m + BLOCK]
      const mask = (1 << (shape & 31)) - 1
      const now = timeMs | 0
      let a = (block + (head & mask)) << 1
      words[a] = now
      words[a + 1] = value
      head = (head + 1) | 0
      let due = ints[m + DUE]
      let tail1 = ints[m + TAILS]
      let tail2 = ints[m + TAILS + 1]
      let tail3 = ints[m + TAILS + 2]
      let sum1 = floats[f + 1]
      let sum2 = floats[f + 2]
      let sum3 = floats[f + 3]
      while (due < head) {
        a = (block + (due & mask)) << 1
        if ((now - words[a]) >>> 0 < delayMs) break
        sum1 += words[a + 1]
        sum2 += words[a + 1]
        sum3 += words[a + 1]
        due = (due + 1) | 0
      }
      while (tail1 < due) {
        a = (block + (tail1 & mask)) << 1
        if ((now - words[a]) >>> 0 < leaves1) break
        sum1 -= words[a + 1]
        tail1 = (tail1 + 1) | 0
      }
      while (tail2 < due) {
        a = (block + (tail2 & mask)) << 1
        if ((now - words[a]) >>> 0 < leaves2) break
        sum2 -= words[a + 1]
        tail2 = (tail2 + 1) | 0
      }
      while (tail3 < due) {
        a = (block + (tail3 & mask)) << 1
        if ((now - words[a]) >>> 0 < leaves3) break
        sum3 -= words[a + 1]
        tail3 = (tail3 + 1) | 0
      }
      ints[m + HEAD] = head
      ints[m + DUE] = due
      ints[m + TAILS] = tail1
      ints[m + TAILS + 1] = tail2
      ints[m + TAILS + 2] = tail3
      floats[f] = timeMs
      floats[f + 1] = sum1
      floats[f + 2] = sum2
      floats[f + 3] = sum3
      out[o] = due - tail1
      out[o + 1] = sum1
      out[o + 2] = due - tail2
      out[o + 3] = sum2
      out[o + 4] = due - tail3
      out[o + 5] = sum3
    }
    return end
  }

  /** `moveTails`, for a slot of three widths only. */
  protected moveThree(m: number, now: number, out: Float64Array, offset: number): void {
    const ints = this.ints
    const floats = this.floats
    const words = this.words
    const leaveMs = this.leaveMs
    const block = ints[m + BLOCK]
    const mask = (1 << (ints[m + SHAPE] & 31)) - 1
    const head = ints[m + HEAD]
    const f = (m >> 1) + this.floatStart + 1
    let due = ints[m + DUE]
    let first = ints[m + TAILS]
    let second = ints[m + TAILS + 1]
    let third = ints[m + TAILS + 2]
    let firstSum = floats[f]
    let secondSum = floats[f + 1]
    let thirdSum = floats[f + 2]
    let leavesMs = this.delayMs
    for (; due < head; due++) {
      const a = (block + (due & mask)) << 1
      if ((now - words[a]) >>> 0 < leavesMs) break
      firstSum += words[a + 1]
      secondSum += words[a + 1]
      thirdSum += words[a + 1]
    }
    leavesMs = leaveMs[0]
    for (; first < due; first++) {
      const a = (block + (first & mask)) << 1
      if ((now - words[a]) >>> 0 < leavesMs) break
      firstSum -= words[a + 1]
    }
    leavesMs = leaveMs[1]
    for (; second < due; second++) {
      const a = (block + (second & mask)) << 1
      if ((now - words[a]) >>> 0 < leavesMs) break
      secondSum -= words[a + 1]
    }
    leavesMs = leaveMs[2]
    for (; third < due; third++) {
      const a = (block + (third & mask)) << 1
      if ((now - words[a]) >>> 0 < leavesMs) break
      thirdSum -= words[a + 1]
    }
    ints[m + DUE] = due
    ints[m + TAILS] = first
    ints[m + TAILS + 1] = second
    ints[m + TAILS + 2] = third
    floats[f] = firstSum
    floats[f + 1] = secondSum
    floats[f + 2] = thirdSum
    out[offset] = due - first
    out[offset + 1] = firstSum
    out[offset + 2] = due - second
    out[offset + 3] = secondSum
    out[offset + 4] = due - third
    out[offset + 5] = thirdSum
  }
}
