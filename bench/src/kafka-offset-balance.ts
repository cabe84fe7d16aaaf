import type { Gap, TopicPosition } from '@riskledger/journal'

/** What an `InputsScreened` entry says of its offsets, and how many inputs it holds. */
export interface BatchOffsets {
  readonly positions: readonly TopicPosition[]
  readonly gaps: readonly Gap[]
  readonly inputCount: number
}

/** Which records of a partition its journal holds, followed batch by batch: each topic's offsets are due from 0 on, each once, as an input or in a gap. */
export class OffsetBalance {
  /** Records that are in the journal, each counted once. */
  inputs = 0
  /** Offsets that a batch left out, and records of its range that it does not hold. */
  lost = 0
  /** Offsets that a batch has again, and inputs beyond its range. */
  duplicated = 0
  /** Offsets that hold no record. */
  gaps = 0
  /** By topic. */
  private readonly next: number[] = []

  take({ positions, gaps, inputCount }: BatchOffsets): void {
    let due = 0
    let again = 0
    for (const { topic, fromOffset, toOffset } of positions) {
      const next = this.next[topic] ?? 0
      this.lost += Math.max(0, fromOffset - next)
      again += Math.max(0, Math.min(next, toOffset) - fromOffset)
      due += toOffset - fromOffset
      this.next[topic] = Math.max(next, toOffset)
    }
    const withoutRecord = gaps.reduce((sum, { fromOffset, toOffset }) => sum + toOffset - fromOffset, 0)
    due -= withoutRecord
    this.gaps += withoutRecord
    this.lost += Math.max(0, due - inputCount)
    this.duplicated += again + Math.max(0, inputCount - due)
    this.inputs += Math.max(0, Math.min(inputCount, due) - again)
  }

  /** Offsets before the topics' ends, given by topic, that no batch reached. */
  missing(ends: readonly number[]): number {
    return ends.reduce((sum, end, topic) => sum + Math.max(0, end - (this.next[topic] ?? 0)), 0)
  }
}

/** What is not in the journals and should be, and what is there, or in the topics, more than once. */
export interface Balance {
  readonly lost: number
  readonly duplicated: number
}

/** Holds the partitions' journals against the ends of their topics, `[partition][topic]`, and those against how many records were published. */
export function balanceOf(
  partitions: readonly OffsetBalance[],
  { ends, published }: { readonly ends: readonly (readonly number[])[]; readonly published: number },
): Balance {
  const sum = (of: (balance: OffsetBalance, partition: number) => number): number =>
    partitions.reduce((total, balance, partition) => total + of(balance, partition), 0)
  const inTopics = ends.flat().reduce((total, end) => total + end, 0) - sum(({ gaps }) => gaps)
  return {
    lost: sum((balance, partition) => balance.lost + balance.missing(ends[partition])) + Math.max(0, published - inTopics),
    duplicated: sum(({ duplicated }) => duplicated) + Math.max(0, inTopics - published),
  }
}
