import type { LoginView, P2pTradeView, PaymentView } from '@riskledger/events'
import type { CounterpartyMemory } from './counterparty-memory'
import type { DeviceMemory } from './device-memory'
import { LOGIN, OUTCOME, REMEMBERED, type InputKeys } from './input-keys'
import type { LabelQueue } from './label-queue'
import type { RecentIds } from './recent-ids'
import type { RelationsInput } from './relations-state'

/** Payments become due and are forgotten at about the pace at which they come; so many more are looked at ahead. */
const SPARE = 8

/** What of a `RelationsState` is touched. */
export interface TouchedParts {
  readonly keys: InputKeys
  readonly counterparties: CounterpartyMemory
  readonly devices: DeviceMemory
  readonly queue: LabelQueue
  readonly recent: RecentIds
}

/**
 * Asks for the memory that the inputs of a block will need, and changes nothing that anybody can see. What an input costs is mostly waiting for
 * memory, one line after the other: the key tells the row, the row tells the set's place. Asked for together, one step of all inputs at a time,
 * the waits overlap; hence one short loop for each step.
 */
export class TouchAhead {
  /** What was read: kept, so that no compiler finds the reading useless and leaves it out. */
  protected asked = 0

  constructor(private readonly parts: TouchedParts) {}

  /** Touches what the first `count` inputs, whose keys are read, will look at. */
  touch(inputs: readonly RelationsInput[], count: number): void {
    this.asked = this.touchIndexes(count) ^ this.parts.queue.touchNext(count + SPARE, this.touchDue, this.touchForgotten)
    this.findNumbers(inputs, count)
    this.asked ^= this.touchRows(count)
  }

  private touchIndexes(count: number): number {
    const { queue, recent, keys } = this.parts
    const { kinds, lows, highs, accounts, ids } = keys
    let touched = 0
    for (let i = 0; i < count; i++) if (kinds[i] === REMEMBERED || kinds[i] === OUTCOME) touched ^= queue.touchNew(lows[i], highs[i])
    for (let i = 0; i < count; i++) if (kinds[i] === REMEMBERED) touched ^= recent.touch(accounts[i], ids[i])
    return touched
  }

  private findNumbers(inputs: readonly RelationsInput[], count: number): void {
    const { keys, counterparties, devices } = this.parts
    for (let i = 0; i < count; i++) {
      const kind = keys.kinds[i]
      if (kind !== REMEMBERED && kind !== LOGIN) continue
      const event = inputs[i].event as PaymentView | P2pTradeView | LoginView
      if (event.deviceIdSpan !== 0) keys.devices[i] = devices.numberAhead(event.bytes, event.deviceIdSpan)
      if (kind === REMEMBERED)
        keys.counterparties[i] = counterparties.numberAhead(event.bytes, (event as PaymentView | P2pTradeView).counterpartyIdSpan)
    }
  }

  private touchRows(count: number): number {
    const { keys, counterparties, devices } = this.parts
    const { accounts } = keys
    let touched = 0
    for (let i = 0; i < count; i++) {
      if (keys.counterparties[i] >= 0) touched ^= counterparties.touchRow(keys.counterparties[i])
      if (keys.devices[i] >= 0) touched ^= devices.touchRow(keys.devices[i])
    }
    for (let i = 0; i < count; i++) {
      if (keys.counterparties[i] >= 0) touched ^= counterparties.touchPayer(keys.counterparties[i], accounts[i])
      if (keys.devices[i] >= 0) touched ^= devices.touchAccount(keys.devices[i], accounts[i])
    }
    return touched
  }

  private readonly touchDue = (entry: number): number => this.parts.counterparties.touchRow(this.parts.queue.owner(entry))

  private readonly touchForgotten = (entry: number): number => this.parts.recent.touchRemoval(entry)
}
