import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { InputColumns, type QueuedInput } from './input-columns'

/**
 * Holds the inputs of each partition until every partition has told that it is past their epoch, so that they are folded in an order that
 * does not depend on who was faster: epoch by epoch, in each the partitions in turn, in each the journal's order.
 */
export class EpochQueue {
  private readonly inputs: InputColumns[]
  /** The epoch that each partition has surely finished; -1 before it told anything. */
  private readonly finished: number[]
  private folded = -1

  constructor(partitionCount: number) {
    this.inputs = Array.from({ length: partitionCount }, () => new InputColumns())
    this.finished = Array.from({ length: partitionCount }, () => -1)
  }

  /**
   * Takes a copy of the input, but for the bytes of its entry, which must not change any more. False, and nothing taken, where the partition has
   * finished that epoch already: then it is folded at once, as live input is, for nobody waits for it and its epoch may have been given out.
   */
  add(partition: number, input: QueuedInput, epoch: number): boolean {
    if (epoch <= this.finished[partition]) return false
    this.inputs[partition].push(input, epoch)
    return true
  }

  /** The partition is past the epochs up to and including this one: what it still gives of them is not waited for. */
  finish(partition: number, epoch: number): void {
    if (epoch > this.finished[partition]) this.finished[partition] = epoch
  }

  /** The last epoch that all partitions have finished. */
  get completeEpoch(): number {
    return Math.min(...this.finished)
  }

  /**
   * Gives out what has become complete: `fold` for each input, `endEpoch` after the last input of an epoch that had any. The input is one
   * object, good until `fold` returns.
   */
  drain(fold: (input: QueuedInput) => void, endEpoch: (epoch: number) => void): void {
    const complete = this.completeEpoch
    while (this.folded < complete) {
      const next = this.nextEpoch()
      if (next > complete) {
        this.folded = complete
        return
      }
      for (const inputs of this.inputs) for (let input = inputs.shift(next); input !== null; input = inputs.shift(next)) fold(input)
      endEpoch(next)
      this.folded = next
    }
  }

  /** Writes what waits, with its bytes, and how far each partition is. */
  write(writer: ByteWriter): void {
    writer.f64(this.folded)
    for (const [partition, inputs] of this.inputs.entries()) {
      writer.f64(this.finished[partition])
      inputs.write(writer)
    }
  }

  /** Fills a fresh queue from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.folded = reader.f64()
    for (const [partition, inputs] of this.inputs.entries()) {
      this.finished[partition] = reader.f64()
      inputs.read(reader)
    }
  }

  private nextEpoch(): number {
    let next = Infinity
    for (const inputs of this.inputs) next = Math.min(next, inputs.firstEpoch)
    return next
  }
}
