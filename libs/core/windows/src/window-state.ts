import { strict as assert } from 'node:assert'
import { AlignedStore } from './aligned-store'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { EventColumns, MAX_BATCH, type EventSelectors } from './event-columns'
import { MAX_KEYS } from './key-interner'
import { SessionStore } from './session-store'
import { SlidingStore } from './sliding-store'
import { EVENT_LATE, EVENT_REJECTED, WindowBatch, type ClosedWindow, type Rejection } from './window-batch'
import type { SlidingWindow, WindowSpecification } from './window-specification'

/** Changes with the bytes of a snapshot: one of another layout is refused. */
const SNAPSHOT_FORMAT = 2

/** What a `WindowState` is made of; a snapshot can only be restored into a state of the same options. */
export interface WindowStateOptions {
  /** 1 to 16 windows, of any kinds. */
  readonly windows: readonly WindowSpecification[]
  /** The watermark is the largest event time so far - `maxOutOfOrdernessMs`: how far events may come out of order and still be on time. */
  readonly watermark: { readonly maxOutOfOrdernessMs: number }
  /**
   * Most keys in sliding windows, and most open windows of each of the others, held at once. An event that would need one more is rejected, from all windows.
   * Default 1,000,000 (of each).
   */
  readonly maxKeys?: number
  /** Keys in sliding windows to make room for at once; more room is made as needed. Default 1,024. No part of what a snapshot must match. */
  readonly expectedKeys?: number
  /** Events kept per key for sliding windows. Default 4,096; see `KeyedRings`. */
  readonly maxEventsPerKey?: number
}

/** What becomes of a batch while it is taken in. */
interface Taking {
  readonly size: number
  readonly status: Uint8Array
  readonly rejected: Rejection[]
  readonly closed: ClosedWindow[]
  readonly figures: Float64Array
  readonly inexact: { row: number; window: number }[]
  /** Rows that have sliding figures already: the first so many. */
  stepped: number
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
  private readonly columns = new EventColumns()
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
    this.slidingGraceMs = slidingGraceMs(windows)
    this.signature = JSON.stringify([SNAPSHOT_FORMAT, windows, late, maxKeys, maxEventsPerKey])
    this.clear()
  }

  private clear(): void {
    const { windows, maxKeys = 1_000_000, expectedKeys = 1024, maxEventsPerKey = 4096 } = this.options
    assert(expectedKeys >= 1 && expectedKeys <= MAX_KEYS, `expectedKeys is ${expectedKeys}; allowed is 1 to ${MAX_KEYS}`)
    const limits = { graceMs: this.maxOutOfOrdernessMs + this.slidingGraceMs, maxKeys, expectedKeys, maxEventsPerKey }
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

  /**
   * Takes a batch in. Bad events are values: see `WindowBatch.rejected`. Throws on a batch above 4,096 events, which is a programmer's error, and
   * whatever a selector or `figures` (see `AggregateWindowsOptions`) throws; the state is as before then.
   */
  step<E>(
    events: readonly E[],
    selectors: EventSelectors<E>,
    options: { readonly figures?: (length: number) => Float64Array } = {},
  ): WindowBatch {
    const size = events.length
    assert(size <= MAX_BATCH, `a batch of ${size} events; the limit is ${MAX_BATCH}: split it`)
    const status = new Uint8Array(size)
    // All that is the caller's runs before anything changes: it may throw.
    const rejected = this.columns.read(events, selectors, status)
    const figures = this.roomForFigures(size, options.figures)
    const taking: Taking = { size, status, rejected, closed: [], figures, inexact: [], stepped: 0 }
    const invalid = rejected.length
    for (let from = 0; from < size;) {
      const to = Math.min(size, from + this.sliding.eventsUntilSweep)
      if (this.closing.length === 0) this.takeSliding(from, to, taking)
      else for (let row = from; row < to; row++) this.take(row, taking)
      this.stepSliding(to, taking)
      this.sliding.passed(to - from, this.watermarkMs)
      from = to
    }
    if (invalid > 0 && rejected.length > invalid) rejected.sort((a, b) => a.row - b.row)
    return this.results(taking)
  }

  private roomForFigures(size: number, make?: (length: number) => Float64Array): Float64Array {
    const length = 2 * this.slidingIndexes.length * size
    const figures = make?.(length) ?? new Float64Array(length)
    assert(figures.length === length, `figures has room for ${figures.length} numbers; needed are exactly ${length}`)
    return figures
  }

  /** Finds the slots of rows `[from, to)`, where all windows slide: nothing closes, nothing else is to be asked. */
  private takeSliding(from: number, to: number, taking: Taking): void {
    const { slots, timesMs, keys } = this.columns
    const { status } = taking
    const interner = this.sliding.keys
    const allowanceMs = this.maxOutOfOrdernessMs + this.slidingGraceMs
    let maxTimeMs = this.maxTimeMs
    let late = 0
    for (let row = from; row < to; row++) {
      slots[row] = -1
      if (status[row] === EVENT_REJECTED) continue
      const timeMs = timesMs[row]
      if (timeMs > maxTimeMs) maxTimeMs = timeMs
      else if (timeMs < maxTimeMs - allowanceMs) {
        late++
        status[row] = EVENT_LATE
        continue
      }
      let slot = interner.intern(keys[row])
      if (slot < 0) {
        this.maxTimeMs = maxTimeMs
        slot = this.internAtLimit(row, taking)
      }
      slots[row] = slot
    }
    this.maxTimeMs = maxTimeMs
    if (late > 0) for (const index of this.slidingIndexes) this.lateCounts[index] += late
  }

  /** The slot of a row's key that found no room, where one can be made; -1 otherwise, and the row is rejected. */
  private internAtLimit(row: number, taking: Taking): number {
    // A key is silent only once the rows before this one are in.
    this.stepSliding(row, taking)
    const slot = this.sliding.internAtLimit(this.columns.keys[row], this.watermarkMs)
    if (slot < 0) refuse(row, taking)
    return slot
  }

  /** Finds the slot of a row and puts it into the windows that close, which may close others. */
  private take(row: number, taking: Taking): void {
    const { slots, timesMs, values, keys } = this.columns
    slots[row] = -1
    if (taking.status[row] === EVENT_REJECTED) return
    const event = { key: keys[row], timeMs: timesMs[row], value: values[row] }
    if (event.timeMs > this.maxTimeMs) this.maxTimeMs = event.timeMs
    const watermarkMs = this.watermarkMs
    for (const { store } of this.closing) if (store.nextDueMs <= watermarkMs) store.close(watermarkMs, taking.closed)
    for (const { store } of this.closing) {
      if (!store.hasRoomFor(event, watermarkMs, this.maxOpen)) {
        refuse(row, taking)
        return
      }
    }
    const slides = this.slidingIndexes.length > 0 && event.timeMs >= watermarkMs - this.slidingGraceMs
    if (slides) {
      const slot = this.sliding.keys.intern(event.key)
      slots[row] = slot < 0 ? this.internAtLimit(row, taking) : slot
      if (slots[row] < 0) return
    } else for (const index of this.slidingIndexes) this.lateCounts[index]++
    let entered = slides
    for (const { window, store } of this.closing) {
      if (store.isLate(event.key, event.timeMs, watermarkMs)) this.lateCounts[window]++
      else {
        if (!store.accept(event, watermarkMs)) this.lateCounts[window]++
        entered = true
      }
    }
    if (!entered) taking.status[row] = EVENT_LATE
  }

  /** Steps the sliding windows over the rows before `to` that have not been. */
  private stepSliding(to: number, taking: Taking): void {
    const { stepped: from, figures, inexact } = taking
    taking.stepped = to
    if (from === to || this.slidingIndexes.length === 0) return
    const { slots, timesMs, values } = this.columns
    const stride = 2 * this.slidingIndexes.length
    const rows =
      from === 0
        ? { size: to, slots, timesMs, values }
        : { size: to - from, slots: slots.subarray(from, to), timesMs: timesMs.subarray(from, to), values: values.subarray(from, to) }
    const out = to - from === taking.size ? figures : figures.subarray(from * stride, to * stride)
    for (const { row, column } of this.sliding.step(rows, out, stride))
      inexact.push({ row: from + row, window: this.slidingIndexes[column] })
  }

  private results(taking: Taking): WindowBatch {
    const { size, status, rejected, closed, figures, inexact } = taking
    return new WindowBatch(size, this.slidingIndexes, figures, status, {
      inexact,
      rejected,
      closed: closed.sort(byEnd),
      watermarkMs: this.watermarkMs,
      lateCounts: [...this.lateCounts],
    })
  }

  /** Closes every open window, as if time had come to its end; for a source that will bring nothing more. The watermark stays. */
  flush(): WindowBatch {
    const closed: ClosedWindow[] = []
    for (const { store } of this.closing) store.close(Infinity, closed)
    return this.results({
      size: 0,
      status: new Uint8Array(0),
      rejected: [],
      closed,
      figures: new Float64Array(0),
      inexact: [],
      stepped: 0,
    })
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

function refuse(row: number, taking: Taking): void {
  taking.rejected.push({ row, reason: 'too-many-keys' })
  taking.status[row] = EVENT_REJECTED
}

/** The grace of the sliding windows, which is one for all: they keep their events together. */
function slidingGraceMs(windows: readonly WindowSpecification[]): number {
  const graces = new Set(windows.filter(({ kind }) => kind === 'sliding').map(({ graceMs }) => graceMs))
  assert(
    graces.size <= 1,
    `sliding windows have graceMs of ${[...graces].join(' and ')}; it must be the same for all in one state: give each grace a state of its own`,
  )
  return [...graces][0] ?? 0
}
