import { strict as assert } from 'node:assert'
import { AlignedStore } from './aligned-store'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { MAX_KEYS } from './key-interner'
import { SessionStore } from './session-store'
import { SlidingStore } from './sliding-store'
import { EVENT_LATE, EVENT_REJECTED, WindowBatch, type ClosedWindow, type RejectionReason } from './window-batch'
import type { SlidingWindow, WindowSpecification } from './window-specification'

/** Changes with the bytes of a snapshot: one of another layout is refused. */
const SNAPSHOT_FORMAT = 1

/** Most events in one batch. */
export const MAX_BATCH = 4096
/** Times lie in `[-MAX_TIME_MS, MAX_TIME_MS]`: what a JavaScript date can hold. */
const MAX_TIME_MS = 8.64e15

/** What a `WindowState` is made of; a snapshot can only be restored into a state of the same options. */
export interface WindowStateOptions {
  /** 1 to 16 windows, of any kinds. */
  readonly windows: readonly WindowSpecification[]
  /** The watermark is the largest event time so far - `maxOutOfOrdernessMs`: how far events may come out of order and still be on time. */
  readonly watermark: { readonly maxOutOfOrdernessMs: number }
  /** Keys in sliding windows, and open windows of the other kinds, held at once; events beyond are rejected. Default 1,000,000 (of each). */
  readonly maxKeys?: number
  /** Keys in sliding windows to make room for at once; more room is made as needed. Default 1,024. No part of what a snapshot must match. */
  readonly expectedKeys?: number
  /** Events kept per key for sliding windows. Default 4,096; see `KeyedRings`. */
  readonly maxEventsPerKey?: number
}

/** How to read an event. Plain functions, called once per event. */
export interface EventSelectors<E> {
  readonly key: (event: E) => string
  /** Epoch ms, a whole number. */
  readonly timeMs: (event: E) => number
  /** What is summed: a safe integer. */
  readonly value: (event: E) => number
}

/**
 * All that windows remember: keyed state, watermark, counts of late events. Owned by whoever runs the stage, who may snapshot it between
 * batches and restore it elsewhere; results do not depend on how events fall into batches.
 *
 * @example
 * const state = new WindowState({ windows: [slidingWindow({ sizeMs: 60_000 })], watermark: { maxOutOfOrdernessMs: 0 } })
 * const bytes = state.snapshot()
 * state.restore(bytes)
 */
export class WindowState {
  /** Names everything that shapes the content; equal for equal options. */
  readonly signature: string
  private readonly windowCount: number
  private readonly maxOutOfOrdernessMs: number
  private readonly maxOpen: number
  private readonly slidingIndexes: readonly number[]
  private readonly slidingGraceMs: number
  private readonly columns = {
    size: 0,
    slots: new Int32Array(MAX_BATCH),
    timesMs: new Float64Array(MAX_BATCH),
    values: new Float64Array(MAX_BATCH),
  }
  private sliding!: SlidingStore
  private closing: { readonly window: number; readonly store: AlignedStore | SessionStore }[] = []
  private maxTimeMs = -Infinity
  private lateCounts: number[] = []

  constructor(private readonly options: WindowStateOptions) {
    const { windows, watermark, maxKeys = 1_000_000, maxEventsPerKey = 4096 } = options
    assert(windows.length >= 1 && windows.length <= 16, `${windows.length} windows; allowed are 1 to 16`)
    const late = watermark.maxOutOfOrdernessMs
    assert(Number.isSafeInteger(late) && late >= 0, `maxOutOfOrdernessMs is ${late}; it must be a whole number, 0 or more`)
    this.windowCount = windows.length
    this.maxOutOfOrdernessMs = late
    this.maxOpen = maxKeys
    this.slidingIndexes = windows.flatMap((window, index) => (window.kind === 'sliding' ? [index] : []))
    this.slidingGraceMs = this.slidingIndexes.reduce((most, index) => Math.max(most, windows[index].graceMs), 0)
    this.signature = JSON.stringify([SNAPSHOT_FORMAT, windows, late, maxKeys, maxEventsPerKey])
    this.clear()
  }

  private clear(): void {
    const { windows, maxKeys = 1_000_000, expectedKeys = 1024, maxEventsPerKey = 4096 } = this.options
    assert(expectedKeys >= 1 && expectedKeys <= MAX_KEYS, `expectedKeys is ${expectedKeys}; allowed is 1 to ${MAX_KEYS}`)
    const limits = { maxOutOfOrdernessMs: this.maxOutOfOrdernessMs, maxKeys, expectedKeys, maxEventsPerKey }
    this.sliding = new SlidingStore(
      this.slidingIndexes.map((index) => windows[index] as SlidingWindow),
      limits,
    )
    this.closing = windows.flatMap((specification, window) => {
      if (specification.kind === 'sliding') return []
      return [
        {
          window,
          store: specification.kind === 'session' ? new SessionStore(window, specification) : new AlignedStore(window, specification),
        },
      ]
    })
    this.maxTimeMs = -Infinity
    this.lateCounts = windows.map(() => 0)
  }

  /** Largest event time so far - maxOutOfOrdernessMs; -Infinity before the first event. */
  get watermarkMs(): number {
    return this.maxTimeMs - this.maxOutOfOrdernessMs
  }

  /** Takes a batch in. Bad events are values: see `WindowBatch.rejected`. Throws on a batch above 4,096 events, which is a programmer's error. `figures`: see `AggregateWindowsOptions`. */
  step<E>(
    events: readonly E[],
    selectors: EventSelectors<E>,
    options: { readonly figures?: (length: number) => Float64Array } = {},
  ): WindowBatch {
    const size = events.length
    assert(size <= MAX_BATCH, `a batch of ${size} events; the limit is ${MAX_BATCH}: split it`)
    const status = new Uint8Array(size)
    const rejected: { row: number; reason: RejectionReason }[] = []
    const closed: ClosedWindow[] = []
    if (this.closing.length === 0) this.takeSliding(events, selectors, { status, rejected })
    else this.takeEach(events, selectors, { status, rejected, closed })
    return this.results(size, { status, rejected, closed, figures: options.figures })
  }

  /** Reads the events into columns and finds their slots, where all windows slide: nothing closes, nothing else is to be asked. */
  private takeSliding<E>(
    events: readonly E[],
    selectors: EventSelectors<E>,
    found: { readonly status: Uint8Array; readonly rejected: { row: number; reason: RejectionReason }[] },
  ): void {
    const { key: keyOf, timeMs: timeOf, value: valueOf } = selectors
    const { slots, timesMs, values } = this.columns
    const keys = this.sliding.keys
    const allowanceMs = this.maxOutOfOrdernessMs + this.slidingGraceMs
    let maxTimeMs = this.maxTimeMs
    let late = 0
    for (let row = 0; row < events.length; row++) {
      const event = events[row]
      const timeMs = timeOf(event)
      const value = valueOf(event)
      const key = keyOf(event)
      const reason = refusal(timeMs, value, key)
      slots[row] = -1
      if (reason !== undefined) {
        found.rejected.push({ row, reason })
        found.status[row] = EVENT_REJECTED
        continue
      }
      if (timeMs > maxTimeMs) maxTimeMs = timeMs
      else if (timeMs < maxTimeMs - allowanceMs) {
        late++
        found.status[row] = EVENT_LATE
        continue
      }
      const slot = keys.intern(key)
      if (slot < 0) {
        found.rejected.push({ row, reason: 'too-many-keys' })
        found.status[row] = EVENT_REJECTED
        continue
      }
      slots[row] = slot
      timesMs[row] = timeMs
      values[row] = value
    }
    this.maxTimeMs = maxTimeMs
    if (late > 0) for (const index of this.slidingIndexes) this.lateCounts[index] += late
  }

  /** Reads event by event, where windows close on the way. */
  private takeEach<E>(
    events: readonly E[],
    selectors: EventSelectors<E>,
    found: { readonly status: Uint8Array; readonly rejected: { row: number; reason: RejectionReason }[]; readonly closed: ClosedWindow[] },
  ): void {
    const { status, rejected, closed } = found
    const { slots, timesMs, values } = this.columns
    for (let row = 0; row < events.length; row++) {
      const event = events[row]
      const timeMs = selectors.timeMs(event)
      const value = selectors.value(event)
      const key = selectors.key(event)
      const reason = refusal(timeMs, value, key)
      slots[row] = -1
      if (reason !== undefined) {
        rejected.push({ row, reason })
        status[row] = EVENT_REJECTED
        continue
      }
      timesMs[row] = timeMs
      values[row] = value
      if (timeMs > this.maxTimeMs) this.maxTimeMs = timeMs
      this.take(row, key, status, closed)
      if (status[row] === EVENT_REJECTED) rejected.push({ row, reason: 'too-many-keys' })
    }
  }

  /** Finds the slot of a valid event and puts it into the windows that close; what becomes of it goes to `status`. */
  private take(row: number, key: string, status: Uint8Array, closed: ClosedWindow[]): void {
    const { slots, timesMs, values } = this.columns
    const watermarkMs = this.maxTimeMs - this.maxOutOfOrdernessMs
    const timeMs = timesMs[row]
    let windowsEntered = 0
    for (const { store } of this.closing) {
      if (store.nextDueMs <= watermarkMs) store.close(watermarkMs, closed)
      if (store.openCount >= this.maxOpen) {
        status[row] = EVENT_REJECTED
        return
      }
    }
    if (this.slidingIndexes.length > 0) {
      if (timeMs < watermarkMs - this.slidingGraceMs) for (const index of this.slidingIndexes) this.lateCounts[index]++
      else {
        const slot = this.sliding.keys.intern(key)
        if (slot < 0) {
          status[row] = EVENT_REJECTED
          return
        }
        slots[row] = slot
        windowsEntered++
      }
    }
    for (const { window, store } of this.closing) {
      if (store.isLate(key, timeMs, watermarkMs)) this.lateCounts[window]++
      else {
        if (!store.accept({ key, timeMs, value: values[row] }, watermarkMs)) this.lateCounts[window]++
        windowsEntered++
      }
    }
    if (windowsEntered === 0) status[row] = EVENT_LATE
  }

  private results(
    size: number,
    found: {
      readonly status: Uint8Array
      readonly rejected: readonly { row: number; reason: RejectionReason }[]
      readonly closed: ClosedWindow[]
      readonly figures?: ((length: number) => Float64Array) | undefined
    },
  ): WindowBatch {
    const stride = 2 * this.slidingIndexes.length
    const figures = found.figures?.(size * stride) ?? new Float64Array(size * stride)
    assert(figures.length === size * stride, `figures has room for ${figures.length} numbers; needed are exactly ${size * stride}`)
    this.columns.size = size
    const bounds = this.sliding.step(this.columns, figures, stride)
    if (stride > 0) this.sliding.sweep(size, this.watermarkMs)
    return new WindowBatch(size, this.slidingIndexes, figures, found.status, {
      inexact: bounds.map(({ row, column }) => ({ row, window: this.slidingIndexes[column] })),
      rejected: found.rejected,
      closed: found.closed.sort(byEnd),
      watermarkMs: this.watermarkMs,
      lateCounts: [...this.lateCounts],
    })
  }

  /** Closes every open window, as if time had come to its end; for a source that will bring nothing more. The watermark stays. */
  flush(): WindowBatch {
    const closed: ClosedWindow[] = []
    for (const { store } of this.closing) store.close(Infinity, closed)
    return this.results(0, { status: new Uint8Array(0), rejected: [], closed })
  }

  /** The whole state as bytes. */
  snapshot(): Uint8Array {
    const writer = new ByteWriter(1 << 16)
    writer.string(this.signature)
    writer.f64(this.maxTimeMs)
    for (const count of this.lateCounts) writer.varint(count)
    this.sliding.write(writer)
    for (const { store } of this.closing) store.write(writer)
    return writer.finish()
  }

  /** Replaces the content by a snapshot's. Throws `snapshot-unusable`, also for other options and of another version; the state is empty then. */
  restore(bytes: Uint8Array): void {
    this.clear()
    const reader = new ByteReader(bytes)
    if (reader.string() !== this.signature) reader.refuse('it was made with other options, or by another version')
    try {
      this.maxTimeMs = reader.f64()
      this.lateCounts = this.lateCounts.map(() => reader.varint())
      this.sliding.read(reader)
      for (const { store } of this.closing) store.read(reader)
      if (reader.remainingBytes > 0) reader.refuse(`${reader.remainingBytes} bytes too many`)
    } catch (error) {
      this.clear()
      throw error
    }
  }

  /** Number of windows. */
  get size(): number {
    return this.windowCount
  }
}

function byEnd(a: ClosedWindow, b: ClosedWindow): number {
  return a.endMs - b.endMs || a.startMs - b.startMs || a.window - b.window || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

/** Why an event cannot be taken, or undefined if it can. */
function refusal(timeMs: number, value: number, key: string): RejectionReason | undefined {
  if (!Number.isSafeInteger(timeMs) || timeMs > MAX_TIME_MS || timeMs < -MAX_TIME_MS) return 'invalid-time'
  if (!Number.isSafeInteger(value)) return 'invalid-value'
  if (typeof key !== 'string' || key.length === 0) return 'invalid-key'
  return undefined
}
