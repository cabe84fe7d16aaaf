/** What became of an event of a batch. */
export const EVENT_ACCEPTED = 0
/** Older than the watermark by more than every window allows (by exactly the grace is still on time): counted, in no window. */
export const EVENT_LATE = 1
/** Not an event that windows can take: see `WindowBatch.rejected`. */
export const EVENT_REJECTED = 2

/** Why an event was refused. */
export type RejectionReason = 'invalid-time' | 'invalid-value' | 'invalid-key' | 'too-many-keys'

/** An event that was refused: its row in the batch, and why. */
export interface Rejection {
  readonly row: number
  readonly reason: RejectionReason
}

/** A window that has closed: no event will change it any more. */
export interface ClosedWindow {
  /** Index into the `windows` of the options. */
  readonly window: number
  readonly key: string
  /** First instant of a tumbling or hopping window; time of the first event of a session. */
  readonly startMs: number
  /** End, exclusive, of a tumbling or hopping window; time of the last event, inclusive, of a session. */
  readonly endMs: number
  readonly count: number
  /** Exact within ±(2^53 - 1); at that bound where the true sum is beyond it, with `exact` false. */
  readonly sum: number
  readonly exact: boolean
}

/**
 * Results of one batch of events. Sliding figures are columns, one row per event in the order of the batch; windows that closed are a
 * list. Nothing in it is reused, so it may be kept, unless the
 * `figures` option says otherwise.
 */
export class WindowBatch {
  constructor(
    /** Events in the batch = rows. */
    readonly size: number,
    /** Index into the options' `windows` of each sliding one, in the order of the columns. */
    readonly slidingWindows: readonly number[],
    /** Row after row: count and sum of each sliding window. Zeros in rows not accepted. */
    readonly sliding: Float64Array,
    /** Per row: `EVENT_ACCEPTED`, `EVENT_LATE` or `EVENT_REJECTED`. */
    readonly status: Uint8Array,
    readonly details: {
      /** Rows and windows whose sliding figures are bounds only: the key's cap was reached, or a sum is beyond 2^53 - 1. */
      readonly inexact: readonly { readonly row: number; readonly window: number }[]
      /** By row. */
      readonly rejected: readonly Rejection[]
      /** Sorted by end, start, window, key. */
      readonly closed: readonly ClosedWindow[]
      /** Largest event time so far - maxOutOfOrdernessMs; -Infinity before the first event. */
      readonly watermarkMs: number
      /** Per window of the options: events that came too late for it, since the state began. */
      readonly lateCounts: readonly number[]
    },
  ) {}

  /** Count in the sliding window at `column` (place among the sliding windows) as of the event at `row`. */
  count(row: number, column: number): number {
    return this.sliding[(row * this.slidingWindows.length + column) * 2]
  }

  /** Sum in the sliding window at `column` as of the event at `row`. */
  sum(row: number, column: number): number {
    return this.sliding[(row * this.slidingWindows.length + column) * 2 + 1]
  }
}
