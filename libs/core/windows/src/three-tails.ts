import { BLOCK, DUE, HEAD, SHAPE, TAILS } from './ring-store'
import { RingTails } from './ring-tails'

/** Adds to `RingTails` a move for three widths, the usual number, written out: what a step works on stays in registers, which saves a seventh of it. */
export class ThreeTails extends RingTails {
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
