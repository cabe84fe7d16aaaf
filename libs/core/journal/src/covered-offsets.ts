import type { Gap, TopicPosition } from './inputs-screened'

interface Range {
  next: number
  readonly end: number
  /** The first is the last of the list. */
  readonly gaps: Gap[]
}

/** Follows the offsets that a batch covers, input by input: each must be the next of its topic that is neither taken nor in a gap. */
export class CoveredOffsets {
  /** By topic. */
  private readonly ranges = new Map<number, Range>()
  /** Each topic has one position, which goes forwards, and no gap is on any other. */
  private readonly wellFormed: boolean

  constructor({ positions, gaps }: { readonly positions: readonly TopicPosition[]; readonly gaps: readonly Gap[] }) {
    for (const { topic, fromOffset, toOffset } of positions) {
      const own = gaps.filter((gap) => gap.topic === topic).sort((a, b) => a.fromOffset - b.fromOffset)
      this.ranges.set(topic, { next: fromOffset, end: toOffset, gaps: own.reverse() })
    }
    this.wellFormed =
      this.ranges.size === positions.length &&
      positions.every(({ fromOffset, toOffset }) => fromOffset < toOffset) &&
      gaps.every(({ topic, fromOffset, toOffset }) => fromOffset < toOffset && this.ranges.has(topic))
  }

  /** Takes the next input; returns the offset that it should have, or null where its topic has no further one here. */
  take(topic: number): number | null {
    const range = this.ranges.get(topic)
    if (range === undefined) return null
    passGaps(range)
    return range.next < range.end ? range.next++ : null
  }

  /** After the last input: whether each offset from the start of every topic's position to its end was taken or is in a gap, and nothing beyond was. */
  complete(): boolean {
    return this.wellFormed && [...this.ranges.values()].every(isPassed)
  }
}

/** Goes on behind the gaps that begin where the range stands. */
function passGaps(range: Range): void {
  for (let gap = range.gaps.at(-1); gap?.fromOffset === range.next; gap = range.gaps.at(-1)) {
    range.next = gap.toOffset
    range.gaps.pop()
  }
}

function isPassed(range: Range): boolean {
  passGaps(range)
  return range.next === range.end && range.gaps.length === 0
}
