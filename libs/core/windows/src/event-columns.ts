import { EVENT_REJECTED, type Rejection, type RejectionReason } from './window-batch'

/** Most events in one batch. */
export const MAX_BATCH = 4096
/** Times lie in `[-MAX_TIME_MS, MAX_TIME_MS]`: what a JavaScript date can hold. */
const MAX_TIME_MS = 8.64e15

/** How to read an event. Plain functions, called once per event; where one throws, the state stays as it was before the batch. */
export interface EventSelectors<E> {
  readonly key: (event: E) => string
  /** Epoch ms, a whole number. */
  readonly timeMs: (event: E) => number
  /** What is summed: a safe integer. */
  readonly value: (event: E) => number
}

/** A batch's events as columns, a row each; used again for every batch. */
export class EventColumns {
  readonly keys: string[] = Array<string>(MAX_BATCH).fill('')
  readonly timesMs = new Float64Array(MAX_BATCH)
  readonly values = new Float64Array(MAX_BATCH)
  /** Slot of each row's key among the sliding windows, -1 for none: filled by whoever takes the rows in. */
  readonly slots = new Int32Array(MAX_BATCH)

  /** Reads all events, at most 4,096. Those that windows cannot take are marked in `status` and returned, with the reason. */
  read<E>(events: readonly E[], selectors: EventSelectors<E>, status: Uint8Array): Rejection[] {
    const { key: keyOf, timeMs: timeOf, value: valueOf } = selectors
    const { keys, timesMs, values } = this
    const rejected: Rejection[] = []
    for (let row = 0; row < events.length; row++) {
      const event = events[row]
      const timeMs = timeOf(event)
      const value = valueOf(event)
      const key = keyOf(event)
      const reason = refusal(timeMs, value, key)
      if (reason !== undefined) {
        rejected.push({ row, reason })
        status[row] = EVENT_REJECTED
        continue
      }
      keys[row] = key
      timesMs[row] = timeMs
      values[row] = value
    }
    return rejected
  }
}

/** Why an event cannot be taken, or undefined if it can. */
function refusal(timeMs: number, value: number, key: string): RejectionReason | undefined {
  if (!Number.isSafeInteger(timeMs) || timeMs > MAX_TIME_MS || timeMs < -MAX_TIME_MS) return 'invalid-time'
  if (!Number.isSafeInteger(value)) return 'invalid-value'
  if (typeof key !== 'string' || key.length === 0) return 'invalid-key'
  return undefined
}
