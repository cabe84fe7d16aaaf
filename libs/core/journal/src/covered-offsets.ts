import type { Gap, TopicPosition } from './inputs-screened'

/** Follows the offsets that a batch covers, input by input: each must be the next of its topic that is neither taken nor in a gap. */
export class CoveredOffsets {
  /** By topic. */
  private readonly ranges = new Map<number, { next: number; readonly end: number; readonly gaps: Gap[] }>()

  constructor(batch: { readonly positions: readonly TopicPosition[]; readonly gaps: readonly Gap[] }) {
    for (const { topic, fromOffset, toOffset } of batch.positions) {
      const gaps = batch.gaps.filter((gap) => gap.topic === topic).sort((a, b) => a.fromOffset - b.fromOffset)
      this.ranges.set(topic, { next: fromOffset, end: toOffset, gaps: gaps.reverse() })
    }
  }

  /** Takes the next input; returns the offset that it should have, or null where its topic has no further one here. */
  take(topic: number): number | null {
    const range = this.ranges.get(topic)
    if (range === undefined) return null
    for (let gap = range.gaps.at(-1); gap?.fromOffset === range.next; gap = range.gaps.at(-1)) {
      range.next = gap.toOffset
      range.gaps.pop()
    }
    return range.next < range.end ? range.next++ : null
  }
}
