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

/** One slot is looked at for this many events: keeps memory flat without a pause. */
const SWEEP_SHARE = 64

/** Keyed state of all sliding windows of an operator. */
export class SlidingStore {
  readonly keys: KeyInterner
  private readonly groups: readonly Group[]
  private readonly scratch: Float64Array
  private sweepSlot = 0

  constructor(
    windows: readonly SlidingWindow[],
    options: {
      readonly maxOutOfOrdernessMs: number
      readonly maxKeys: number
      readonly expectedKeys: number
      readonly maxEventsPerKey: number
    },
  ) {
    this.keys = new KeyInterner({ maxKeys: options.maxKeys })
    this.scratch = new Float64Array(2 * windows.length)
    const graceMs = options.maxOutOfOrdernessMs + windows.reduce((most, window) => Math.max(most, window.graceMs), 0)
    const byDelay = new Map<number, number[]>()
    windows.forEach((window, column) => byDelay.set(window.delayMs, [...(byDelay.get(window.delayMs) ?? []), column]))
    this.groups = [...byDelay].map(([delayMs, columns]) => ({
      rings: new KeyedRings({
        widthsMs: columns.map((column) => windows[column].sizeMs),
        delayMs,
        graceMs,
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

  /** Looks at a share of the slots, in turn, and forgets keys of which nothing could matter at `watermarkMs` or later. */
  sweep(events: number, watermarkMs: number): void {
    for (let left = Math.ceil(events / SWEEP_SHARE); left > 0; left--) {
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
    for (const { rings } of this.groups) writeKeyedRings(rings, writer)
  }

  read(reader: ByteReader): void {
    this.keys.read(reader)
    this.sweepSlot = reader.varint()
    for (const { rings } of this.groups) readKeyedRings(rings, reader)
  }
}
