import type { Gap } from '@riskledger/journal'

/** Gaps not told yet, of each topic in order of offset. */
export class GapQueue {
  private readonly queues: { gaps: Gap[]; next: number }[]

  constructor(topicCount: number) {
    this.queues = Array.from({ length: topicCount }, () => ({ gaps: [], next: 0 }))
  }

  /** Adds the gap that follows on its topic. */
  offer(gap: Gap): void {
    this.queues[gap.topic].gaps.push(gap)
  }

  /** How many gaps of a topic begin before an offset; counts no further than `most`. */
  countBefore(topic: number, offset: number, most: number): number {
    const { gaps, next } = this.queues[topic]
    let count = 0
    while (count < most && next + count < gaps.length && gaps[next + count].fromOffset < offset) count++
    return count
  }

  /** Takes the first gaps of a topic. */
  take(topic: number, count: number): readonly Gap[] {
    const queue = this.queues[topic]
    const taken = queue.gaps.slice(queue.next, queue.next + count)
    queue.next += taken.length
    if (queue.next === queue.gaps.length) {
      queue.gaps = []
      queue.next = 0
    }
    return taken
  }

  /** Takes the first gap of a topic where it begins at or before an offset. */
  takeAt(topic: number, offset: number): Gap | undefined {
    return this.countBefore(topic, offset + 1, 1) === 0 ? undefined : this.take(topic, 1)[0]
  }
}
