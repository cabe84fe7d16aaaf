import { strict as assert } from 'node:assert'

/** Per event, the events of its key in `(t - delay - size, t - delay]`, itself included where delay is 0. */
export interface SlidingWindow {
  readonly kind: 'sliding'
  readonly sizeMs: number
  readonly delayMs: number
  readonly graceMs: number
}

/** Fixed windows `[start, start + size)` whose starts are multiples of the advance since the epoch. Tumbling: advance = size. */
export interface AlignedWindow {
  readonly kind: 'tumbling' | 'hopping'
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
}

/** Events of a key that follow each other by at most the gap; `[first, last]`. */
export interface SessionWindow {
  readonly kind: 'session'
  readonly inactivityGapMs: number
  readonly graceMs: number
}

/** What a window is, apart from what computes it. Plain data. Make one with the four functions below. */
export type WindowSpecification = SlidingWindow | AlignedWindow | SessionWindow

/** Most windows over one event that a hopping specification may ask for. */
const MAX_OVERLAP = 1024

function duration(name: string, value: number, least: 0 | 1): number {
  assert(Number.isSafeInteger(value) && value >= least, `${name} is ${value}; it must be a whole number of milliseconds, ${least} or more`)
  return value
}

/**
 * A window that ends at each event: `(t - size, t]`. One result per event, at once.
 *
 * ```
 * sizeMs 4    ──1──2─────3──▶
 *               (─────────]     at 3: count 1, as 2 lies 4 or more back
 * ```
 *
 * `delayMs` (default 0) moves the window back: `(t - delay - size, t - delay]`, for what becomes known only later.
 * `graceMs` (default 0), the same for all sliding windows of one state: an event older than the watermark by more than this is late: counted, and in
 * no sliding window. One older by exactly this is in.
 */
export function slidingWindow(options: { readonly sizeMs: number; readonly delayMs?: number; readonly graceMs?: number }): SlidingWindow {
  return {
    kind: 'sliding',
    sizeMs: duration('sizeMs', options.sizeMs, 1),
    delayMs: duration('delayMs', options.delayMs ?? 0, 0),
    graceMs: duration('graceMs', options.graceMs ?? 0, 0),
  }
}

/**
 * Windows side by side, aligned to the epoch: `[k * size, (k + 1) * size)`. One result per key and window, once the watermark is at
 * its end + grace or later; until then late events enter, so one older than the watermark by exactly the grace always does. Without events, no result.
 *
 * ```
 * sizeMs 5    ──a──b─┊──c────┊────▶
 *             [a  b ) [c    )
 * ```
 */
export function tumblingWindow(options: { readonly sizeMs: number; readonly graceMs: number }): AlignedWindow {
  const sizeMs = duration('sizeMs', options.sizeMs, 1)
  return { kind: 'tumbling', sizeMs, advanceMs: sizeMs, graceMs: duration('graceMs', options.graceMs, 0) }
}

/**
 * Windows of one size that begin every `advanceMs` and overlap: `[k * advance, k * advance + size)`. An event is in about size / advance
 * of them, at most 1,024; one older than the watermark by exactly the grace is still in all of them.
 *
 * ```
 * sizeMs 6    ──a──b──c──▶
 * advanceMs 3 [a  b )
 *                [b  c )
 * ```
 */
export function hoppingWindow(options: { readonly sizeMs: number; readonly advanceMs: number; readonly graceMs: number }): AlignedWindow {
  const sizeMs = duration('sizeMs', options.sizeMs, 1)
  const advanceMs = duration('advanceMs', options.advanceMs, 1)
  assert(advanceMs <= sizeMs, `advanceMs is ${advanceMs}, above sizeMs ${sizeMs}: events between two windows would be lost`)
  assert(sizeMs <= advanceMs * MAX_OVERLAP, `sizeMs / advanceMs is above ${MAX_OVERLAP}: each event would enter that many windows`)
  return { kind: 'hopping', sizeMs, advanceMs, graceMs: duration('graceMs', options.graceMs, 0) }
}

/**
 * A burst of a key: events that follow each other by at most the gap. A late one may join two sessions. One result per session, once the
 * watermark is past its last event + gap + grace: an event older than the watermark by exactly gap + grace still begins one.
 *
 * ```
 * gap 2       ──a─b────────c──▶
 *               [a,b]      [c,c]
 * ```
 */
export function sessionWindow(options: { readonly inactivityGapMs: number; readonly graceMs: number }): SessionWindow {
  return {
    kind: 'session',
    inactivityGapMs: duration('inactivityGapMs', options.inactivityGapMs, 1),
    graceMs: duration('graceMs', options.graceMs, 0),
  }
}
