import { RiskError } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import type { PublishedTopic } from './stamp-event'

/** Where an event lies in the log. */
export interface Receipt {
  readonly topic: PublishedTopic
  readonly partition: number
  readonly offset: number
}

/** An event on its way, checked and stamped. */
export interface Outgoing {
  readonly topic: PublishedTopic
  readonly event: RawEvents[PublishedTopic]
  /** Its size on the way, about. */
  readonly bytes: number
}

/** Longest time that a timer of the runtime keeps; a longer one would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Carries events to the log. */
export interface Transport {
  /**
   * What became of each, in order: its receipt, or why it is refused for good; null: send it again. Rejects where all of them failed alike: with a retriable
   * `RiskError` they are sent again, unchanged, after `context.retryAfterMs` where that is given and `deliveryTimeoutMs` is not shorter.
   */
  send(batch: readonly Outgoing[]): Promise<readonly (Receipt | RiskError | null)[]>
  close(): Promise<void>
}

/** How events are gathered, and how long their delivery is tried. */
export interface DeliveryOptions {
  /** A batch goes once it has so many events; 1 to 1,000. Default 500. */
  readonly batchEvents?: number
  /** A batch goes once it has so many bytes. Default 256 KiB. */
  readonly batchBytes?: number
  /** A batch that is not full goes after so long. Default 5. */
  readonly lingerMs?: number
  /** Events that may wait; more are refused with `limit-reached`. Default 20,000. */
  readonly maxQueuedEvents?: number
  /** Bytes that may wait. Default 32 MiB. */
  readonly maxQueuedBytes?: number
  /** How long an event is tried before it is given up, whatever the pause that a gateway asks for. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Pause before the second try; it doubles from try to try. Default 100. */
  readonly retryMs?: number
  /** Longest pause, where the gateway asks for no longer one (`Retry-After`). Default 5,000. */
  readonly maxRetryMs?: number
}

const DEFAULTS: Required<DeliveryOptions> = {
  batchEvents: 500,
  batchBytes: 256 * 1024,
  lingerMs: 5,
  maxQueuedEvents: 20_000,
  maxQueuedBytes: 32 * 1024 * 1024,
  deliveryTimeoutMs: 120_000,
  retryMs: 100,
  maxRetryMs: 5_000,
}

/** The options with their defaults. Throws `configuration-invalid` for what is no whole number, or out of range. */
export function deliveryOf(options: DeliveryOptions): Required<DeliveryOptions> {
  const all = { ...DEFAULTS, ...options }
  for (const [name, value] of Object.entries(all)) {
    const least = name === 'lingerMs' ? 0 : 1
    if (Number.isSafeInteger(value) && value >= least && (name !== 'batchEvents' || value <= 1_000)) continue
    const range = name === 'batchEvents' ? 'from 1 to 1000' : `from ${least}`
    throw new RiskError('configuration-invalid', `The publisher's ${name} is ${value}; it is a whole number ${range}.`, {
      retriable: false,
    })
  }
  return all
}
