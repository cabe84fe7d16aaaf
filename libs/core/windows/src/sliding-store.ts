import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { KeyInterner } from './key-interner'
import { KeyedRings } from './keyed-rings'
import { readKeyedRings, writeKeyedRings } from './keyed-rings-codec'
import type { SlidingWindow } from './window-specification'

/** Rings of the windows that share a delay, and where their figures go in a row. */
interface Group {
  readonly rings: KeyedRings
  /** For each width of the rings, its place among the sliding windows. */
  readonly columns: readonly number[]
  /** True where the columns are `first, first + 1, ...`, so that the rings can write into the row directly. */
  readonly adjacent: boolean
}

/** A share of the slots is looked at each time so many events have passed: counted over batches, so that results do not depend on them. */
const SWEEP_EVENTS = 4096
/** Slots looked at then: keeps memory flat without a pause. */
const SWEPT_SLOTS = 64
/** Slots looked at where a new key finds no room: few, as each such event has to wait for it. */
const SWEPT_FOR_ROOM = 8

/** Keyed state of all sliding windows of an operator. */
export class SlidingStore {
  readonly keys: KeyInterner
  private readonly groups: readonly Group[]
  private readonly scratch: Float64Array
  private sweepSlot = 0
  private untilSweep = SWEEP_EVENTS

  constructor(
    windows: readonly SlidingWindow[],
    options: {
      /** How far behind its key's newest event an event may come that is not late. */
      readonly graceMs: number
      readonly maxKeys: number
      readonly expectedKeys: number
      readonly maxEventsPerKey: number
    },
  ) {
    this.keys = new KeyInterner({ maxKeys: options.maxKeys })
    this.scratch = new Float64Array(2 * windows.length)
    const byDelay = new Map<number, number[]>()
    windows.forEach((window, column) => byDelay.set(window.delayMs, [...(byDelay.get(window.delayMs) ?? []), column]))
    this.groups = [...byDelay].map(([delayMs, columns]) => ({
      rings: new KeyedRings({
        widthsMs: columns.map((column) => windows[column].sizeMs),
        delayMs,
        graceMs: options.graceMs,
        maxEventsPerKey: options.maxEventsPerKey,
        slots: options.expectedKeys,
      }),
      columns,
      adjacent: columns.every((column, index) => column === columns[0] + index),
    }))
  }

  /**
   * Takes the rows with a slot of 0 or more in and writes their figures, `stride` numbers a row. Returns the (row, column) of figures that are
   * bounds only. Goes group by group, so that one group's rings stay in the processor's caches.
   */
  step(
    rows: { readonly size: number; readonly slots: Int32Array; readonly timesMs: Float64Array; readonly values: Float64Array },
    out: Float64Array,
    stride: number,
  ): { readonly row: number; readonly column: number }[] {
    const inexact: { row: number; column: number }[] = []
    const { size, slots } = rows
    for (let row = 0; row < size; row++) if (slots[row] < 0) out.fill(0, row * stride, (row + 1) * stride)
    for (const { rings, columns, adjacent } of this.groups) {
      const note = (row: number): void => columns.forEach((column, width) => rings.exact[width] === 0 && inexact.push({ row, column }))
      if (adjacent) {
        rings.stepRows(rows, out, { first: 2 * columns[0], stride, bound: note })
        continue
      }
      for (let row = 0; row < size; row++) {
        if (slots[row] < 0) continue
        const all = rings.step(slots[row], rows.timesMs[row], rows.values[row], this.scratch, 0)
        this.spread(columns, out, row * stride)
        if (!all) note(row)
      }
    }
    return inexact
  }

  /** Carries figures from the scratch row to their columns. */
  private spread(columns: readonly number[], out: Float64Array, offset: number): void {
    for (let width = 0; width < columns.length; width++) {
      out[offset + 2 * columns[width]] = this.scratch[2 * width]
      out[offset + 2 * columns[width] + 1] = this.scratch[2 * width + 1]
    }
  }

  /** Events that may be taken in until it is time for a sweep: at least 1. */
  get eventsUntilSweep(): number {
    return this.untilSweep
  }

  /** Notes that so many events, at most `eventsUntilSweep`, have been taken in and stepped. Sweeps when it is time. */
  passed(events: number, watermarkMs: number): void {
    this.untilSweep -= events
    if (this.untilSweep > 0) return
    this.untilSweep = SWEEP_EVENTS
    this.sweep(SWEPT_SLOTS, watermarkMs)
  }

  /** The slot of a key that found no room, after another look for silent ones; -1 where there is still none. All rows before must have been stepped. */
  internAtLimit(key: string, watermarkMs: number): number {
    this.sweep(SWEPT_FOR_ROOM, watermarkMs)
    return this.keys.intern(key)
  }

  /** Looks at so many slots, in turn, and forgets keys of which nothing could matter at `watermarkMs` or later. */
  private sweep(slots: number, watermarkMs: number): void {
    for (let left = Math.min(slots, this.keys.slotEnd); left > 0; left--) {
      if (this.sweepSlot >= this.keys.slotEnd) this.sweepSlot = 0
      const slot = this.sweepSlot++
      if (this.keys.keyOf(slot) === undefined) continue
      let held = false
      for (const { rings } of this.groups) held = rings.expire(slot, watermarkMs) || held
      if (!held) this.keys.release(slot)
    }
  }

  write(writer: ByteWriter): void {
    this.keys.write(writer)
    writer.varint(this.sweepSlot)
    writer.varint(this.untilSweep)
    for (const { rings } of this.groups) writeKeyedRings(rings, writer)
  }

  read(reader: ByteReader): void {
    this.keys.read(reader)
    this.sweepSlot = reader.varint()
    this.untilSweep = reader.varint()
    if (this.untilSweep < 1 || this.untilSweep > SWEEP_EVENTS) reader.refuse(`${this.untilSweep} events until the next sweep`)
    for (const { rings } of this.groups) readKeyedRings(rings, reader)
  }
}
