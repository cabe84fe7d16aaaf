import type { EventTopic } from '@riskledger/contracts'
import { EventViews, spanLength, spanStart, type P2pTradeView, type PaymentView, type RawViews } from '@riskledger/events'
import { MAX_BODY_BYTES, type InputToScreen, type ScreeningStep } from './screening-step'
import { TOUCH_AHEAD } from './touch-ahead'

type EventView = RawViews[EventTopic]

/**
 * Reads a block of inputs before they are screened, and asks for the memory that screening them will need. What an input costs is mostly waiting for
 * lines of memory beyond the cache, each wait for the one before; asked for together, the waits of a whole block overlap. Level by level, because
 * what is independent of each other must stand side by side in the processor's view.
 *
 * Nothing of it can be seen in a result: an input that was read ahead is screened to the same as one that was not.
 */
export class InputsAhead {
  /** What `touch` read: kept, so that no compiler finds the reading useless and leaves it out. */
  protected touched = 0
  /** As many as the largest block needed: those for all topics of 32 inputs are hundreds of objects, and live blocks are small. */
  private readonly views: EventViews[] = []
  private readonly events: (EventView | null)[] = new Array<EventView | null>(TOUCH_AHEAD).fill(null)
  private readonly slots = new Int32Array(TOUCH_AHEAD)
  private readonly counterparties = new Int32Array(TOUCH_AHEAD)
  private readonly bytesOf = (index: number): Uint8Array => this.events[index]!.bytes

  /** Reads the first `count` inputs, at most `TOUCH_AHEAD`; they are screened before the next block is read. */
  read(inputs: readonly InputToScreen[], count: number, step: ScreeningStep): void {
    while (this.views.length < count) this.views.push(new EventViews())
    for (let i = 0; i < count; i++) this.readOne(inputs[i], i, step)
    this.touched =
      step.memory.touch(count) ^
      step.facts.touchCounterparties(this.bytesOf, this.counterparties, count) ^
      step.profiles.touch(this.slots, count)
  }

  /** The event of an input that was read ahead. */
  eventOf(ahead: number): EventView {
    return this.events[ahead]!
  }

  private readOne(input: InputToScreen, index: number, step: ScreeningStep): void {
    const { value } = input
    const topic = step.identity.topics[input.topic]
    const event = value === null || value.length > MAX_BODY_BYTES || topic === 'unparsable' ? null : this.views[index].read(topic, value)
    this.events[index] = event
    input.ahead = event === null ? -1 : index
    this.slots[index] = -1
    this.counterparties[index] = 0
    if (event === null) return
    const accountStart = spanStart(event.accountIdSpan)
    step.memory.hashAhead(index, event.bytes, accountStart, accountStart + spanLength(event.accountIdSpan))
    this.slots[index] = step.profiles.slotAhead(event, index)
    if (topic === 'payments' || topic === 'p2p-trades') {
      this.counterparties[index] = (event as PaymentView | P2pTradeView).counterpartyIdSpan
    }
  }
}
