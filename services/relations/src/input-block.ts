import type { EventTopic } from '@riskledger/contracts'
import { EventViews, type RawViews } from '@riskledger/events'
import { MAX_BLOCK, type RelationsInput, type RelationsState } from '@riskledger/relations'
import type { QueuedInput } from './input-columns'

type Writable<T> = { -readonly [Field in keyof T]: T[Field] }

/** Stands where no event was read yet. */
const NO_EVENT = null as unknown as RawViews[EventTopic]

function emptyInput(): Writable<RelationsInput> {
  return { topic: 'payments', event: NO_EVENT, status: 'observed', habitDistanceCenti: null, streamTimeMs: 0 }
}

/**
 * Folds inputs in their order, a block at a time: the inputs of a block are decoded, then the memory that they need is asked for, all at once,
 * then they are folded. What comes of it does not depend on where a block ends. Places and views are reused from block to block.
 */
export class InputBlock {
  private readonly inputs = Array.from({ length: MAX_BLOCK }, emptyInput)
  /** As many as the largest block needed: live ones are small. */
  private readonly views: EventViews[] = []
  private count = 0
  /** The latest event time of any input so far. */
  streamTimeMs = 0

  constructor(private readonly state: RelationsState) {}

  /** Takes the next input in, to be folded when the block is full, or at `fold`. False where it cannot be decoded. */
  add(topic: EventTopic, queued: QueuedInput): boolean {
    if (this.count === this.views.length) this.views.push(new EventViews())
    const event = this.views[this.count].read(topic, queued.source.data, queued.from, queued.from + queued.length)
    if (event === null) return false
    const input = this.inputs[this.count++]
    input.topic = topic
    input.event = event
    input.status = queued.status
    input.habitDistanceCenti = queued.habitDistanceCenti
    if (event.eventTimeMs > this.streamTimeMs) this.streamTimeMs = event.eventTimeMs
    input.streamTimeMs = this.streamTimeMs
    if (this.count === MAX_BLOCK) this.fold()
    return true
  }

  /** Folds what was taken in and not folded yet. */
  fold(): void {
    const { count } = this
    this.count = 0
    if (count > 0) this.state.fold(this.inputs, count)
  }
}
