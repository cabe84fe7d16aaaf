import { strict as assert } from 'node:assert'
import { concat, defer, map, of, type OperatorFunction } from 'rxjs'
import type { EventSelectors } from './event-columns'
import type { WindowBatch } from './window-batch'
import { WindowState, type WindowStateOptions } from './window-state'

/** Options of `aggregateWindows`. */
export interface AggregateWindowsOptions<E> extends WindowStateOptions, Omit<EventSelectors<E>, 'value'> {
  /** What is summed: a safe integer. Default 1 for each event. */
  readonly value?: (event: E) => number
  /** The state to work on; by default a new one per subscription. Its options must equal these. Not for two subscriptions at once. */
  readonly state?: WindowState
  /**
   * When the source completes: `keep` (default) leaves open windows in the state, so that a stage can stop and go on later; `flush`
   * closes them and emits one last batch, for a source that has really ended.
   */
  readonly onComplete?: 'keep' | 'flush'
  /**
   * Gives the array that a batch's sliding figures are written to, of exactly `length` numbers, whatever they are; so a consumer can have them
   * where it wants to keep them, without a copy. Default: a new array for each batch.
   */
  readonly figures?: (length: number) => Float64Array
}

/**
 * Counts and sums events over windows of event time, per key. Takes batches of at most 4,096 events, emits one `WindowBatch` per batch,
 * synchronously. Sliding windows give a row per event; tumbling and hopping windows give a `ClosedWindow` once the watermark is at their end +
 * grace or later, session windows once it is past their last event + gap + grace. An event too late for a window is counted and does not enter it
 * (one older than the watermark by exactly the grace is not too late); bad ones are listed as rejected; neither ends the stream.
 *
 * A selector that throws ends the stream with its error. The state is as before that batch then; nothing more enters it and nothing is flushed, nor
 * after unsubscribing.
 *
 * ```
 * source         ──[a1 b2]────────[a4]─────────[a9]──▶     letter: key, digit: time
 *        aggregateWindows({ windows: [slidingWindow({ sizeMs: 3 }), tumblingWindow({ sizeMs: 5, graceMs: 0 })] })
 * sliding counts ──[1  1]─────────[1]──────────[1]───▶     a4 looks at (1, 4]: a1 is out
 * closed         ──[]─────────────[]───────────[a: 2, b: 1 in [0, 5)]──▶
 * ```
 *
 * @example
 * from([[{ account: 'a', atMs: 1, amountMinor: 250 }]]).pipe(
 *   aggregateWindows({
 *     windows: [slidingWindow({ sizeMs: 86_400_000 })],
 *     watermark: { maxOutOfOrdernessMs: 60_000 },
 *     key: (payment) => payment.account,
 *     timeMs: (payment) => payment.atMs,
 *     value: (payment) => payment.amountMinor,
 *   }),
 * ).subscribe((results) => console.log(results.count(0, 0), results.sum(0, 0))) // 1 250
 */
export function aggregateWindows<E>(options: AggregateWindowsOptions<E>): OperatorFunction<readonly E[], WindowBatch> {
  const probe = new WindowState(options)
  if (options.state !== undefined) {
    assert(
      options.state.signature === probe.signature,
      `the state was made with other options: ${options.state.signature}, not ${probe.signature}`,
    )
  }
  const selectors: EventSelectors<E> = { key: options.key, timeMs: options.timeMs, value: options.value ?? (() => 1) }
  return (source$) =>
    defer(() => {
      const state = options.state ?? new WindowState(options)
      const results$ = source$.pipe(map((events) => state.step(events, selectors, options)))
      return options.onComplete === 'flush'
        ? concat(
            results$,
            defer(() => of(state.flush())),
          )
        : results$
    })
}
