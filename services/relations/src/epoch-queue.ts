import type { EventTopic, InputStatus } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'

/** An input as relations take it from a journal. */
export interface LearnedInput {
  readonly topic: EventTopic
  readonly event: RawEvents[EventTopic]
  readonly status: InputStatus
  readonly habitDistanceCenti: number | null
  /** Event-time epoch of a file's input; null for one that came live. */
  readonly epoch: number | null
}

/**
 * Holds the inputs of each partition until every partition has told that it is past their epoch, so that they are folded in an order that
 * does not depend on who was faster: epoch by epoch, in each the partitions in turn, in each the journal's order.
 */
export class EpochQueue {
  private readonly inputs: LearnedInput[][]
  /** The epoch that each partition has surely finished; -1 before it told anything. */
  private readonly finished: number[]
  private folded = -1

  constructor(private readonly partitionCount: number) {
    this.inputs = Array.from({ length: partitionCount }, () => [])
    this.finished = Array.from({ length: partitionCount }, () => -1)
  }

  add(partition: number, input: LearnedInput): void {
    this.inputs[partition].push(input)
  }

  /** The partition will give no more inputs of epochs up to and including this one. */
  finish(partition: number, epoch: number): void {
    if (epoch > this.finished[partition]) this.finished[partition] = epoch
  }

  /** The last epoch that all partitions have finished. */
  get completeEpoch(): number {
    return Math.min(...this.finished)
  }

  /** Gives out what has become complete: `fold` for each input, `endEpoch` after the last input of an epoch that had any. */
  drain(fold: (input: LearnedInput) => void, endEpoch: (epoch: number) => void): void {
    const complete = this.completeEpoch
    while (this.folded < complete) {
      const next = this.nextEpoch()
      if (next > complete) {
        this.folded = complete
        return
      }
      for (let partition = 0; partition < this.partitionCount; partition++) this.foldThrough(partition, next, fold)
      endEpoch(next)
      this.folded = next
    }
  }

  private nextEpoch(): number {
    let next = Infinity
    for (const inputs of this.inputs) if (inputs.length > 0) next = Math.min(next, inputs[0].epoch ?? Infinity)
    return next
  }

  private foldThrough(partition: number, epoch: number, fold: (input: LearnedInput) => void): void {
    const inputs = this.inputs[partition]
    let taken = 0
    while (taken < inputs.length && inputs[taken].epoch! <= epoch) fold(inputs[taken++])
    inputs.splice(0, taken)
  }
}
