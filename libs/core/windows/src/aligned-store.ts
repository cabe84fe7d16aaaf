import { Accumulator } from './accumulator'
import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { DueHeap } from './due-heap'
import type { ClosedWindow } from './window-batch'
import type { AlignedWindow } from './window-specification'

/** Keyed state of one tumbling or hopping window: an accumulator per open window and key. */
export class AlignedStore {
  private readonly panes = new Map<number, Map<string, Accumulator>>()
  private readonly due = new DueHeap<number>()
  /** Open windows over all keys. */
  openCount = 0

  constructor(
    private readonly window: number,
    private readonly specification: AlignedWindow,
  ) {}

  /** Time of watermark at which the first open window closes; Infinity if none is open. */
  get nextDueMs(): number {
    return this.due.nextMs
  }

  /** True unless the event would open windows so that more than `most` are open. */
  hasRoomFor(event: { readonly key: string; readonly timeMs: number }, watermarkMs: number, most: number): boolean {
    const { sizeMs, advanceMs, graceMs } = this.specification
    if (this.openCount + Math.ceil(sizeMs / advanceMs) <= most) return true
    let open = this.openCount
    for (let startMs = Math.floor(event.timeMs / advanceMs) * advanceMs; startMs > event.timeMs - sizeMs; startMs -= advanceMs) {
      if (watermarkMs >= startMs + sizeMs + graceMs) break
      if (this.panes.get(startMs)?.has(event.key) !== true) open++
    }
    return open <= most || open === this.openCount
  }

  /** Puts the event into each of its windows that is still open. Returns false if some window of the event was closed already. */
  accept(event: { readonly key: string; readonly timeMs: number; readonly value: number }, watermarkMs: number): boolean {
    const { sizeMs, advanceMs, graceMs } = this.specification
    let whole = true
    for (let startMs = Math.floor(event.timeMs / advanceMs) * advanceMs; startMs > event.timeMs - sizeMs; startMs -= advanceMs) {
      if (watermarkMs >= startMs + sizeMs + graceMs) {
        whole = false
        break
      }
      let pane = this.panes.get(startMs)
      if (pane === undefined) {
        pane = new Map()
        this.panes.set(startMs, pane)
        this.due.push(startMs, startMs + sizeMs + graceMs)
      }
      let accumulator = pane.get(event.key)
      if (accumulator === undefined) {
        accumulator = new Accumulator()
        pane.set(event.key, accumulator)
        this.openCount++
      }
      accumulator.add(event.value)
    }
    return whole
  }

  /** True if the event's newest window has closed, so that it can enter none. */
  isLate(_key: string, timeMs: number, watermarkMs: number): boolean {
    const { sizeMs, advanceMs, graceMs } = this.specification
    return watermarkMs >= Math.floor(timeMs / advanceMs) * advanceMs + sizeMs + graceMs
  }

  /** Closes what is due at this watermark, in no particular order. */
  close(watermarkMs: number, closed: ClosedWindow[]): void {
    while (this.due.size > 0 && this.due.nextMs <= watermarkMs) {
      const startMs = this.due.pop() as number
      const pane = this.panes.get(startMs) as Map<string, Accumulator>
      this.panes.delete(startMs)
      this.openCount -= pane.size
      for (const [key, accumulator] of pane) {
        closed.push({
          window: this.window,
          key,
          startMs,
          endMs: startMs + this.specification.sizeMs,
          count: accumulator.count,
          ...accumulator.total(),
        })
      }
    }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.panes.size)
    for (const [startMs, pane] of this.panes) {
      writer.signedVarint(startMs)
      writer.varint(pane.size)
      for (const [key, accumulator] of pane) {
        writer.string(key)
        accumulator.write(writer)
      }
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const startMs = reader.signedVarint()
      const pane = new Map<string, Accumulator>()
      for (let keys = reader.varint(); keys > 0; keys--) pane.set(reader.string(), Accumulator.read(reader))
      this.panes.set(startMs, pane)
      this.openCount += pane.size
      this.due.push(startMs, startMs + this.specification.sizeMs + this.specification.graceMs)
    }
  }
}
