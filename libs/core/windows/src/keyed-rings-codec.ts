import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import type { KeyedRings } from './keyed-rings'

// Format u8, widths varint, width varint each, delay, grace, cap varint; then the rings as they lie.
const FORMAT = 2

/** Writes everything that `readKeyedRings` needs to go on as if nothing had happened. */
export function writeKeyedRings(rings: KeyedRings, writer: ByteWriter): void {
  writer.u8(FORMAT)
  writer.varint(rings.widthsMs.length)
  rings.widthsMs.forEach((width) => writer.varint(width))
  writer.varint(rings.delayMs)
  writer.varint(rings.graceMs)
  writer.varint(rings.maxEventsPerKey)
  rings.writeRings(writer)
}

/** Fills rings of the same options with what `writeKeyedRings` wrote. Throws `snapshot-unusable`, also for other options. */
export function readKeyedRings(rings: KeyedRings, reader: ByteReader): void {
  if (reader.u8() !== FORMAT) reader.refuse('another format of rings')
  if (reader.varint() !== rings.widthsMs.length) reader.refuse('another number of widths')
  rings.widthsMs.forEach((width) => reader.varint() === width || reader.refuse(`no width of ${width} ms at its place`))
  if (reader.varint() !== rings.delayMs) reader.refuse('another delay')
  if (reader.varint() !== rings.graceMs) reader.refuse('another grace')
  if (reader.varint() !== rings.maxEventsPerKey) reader.refuse('another cap of events per key')
  rings.readRings(reader)
}

/**
 * Writes the canonical content of a slot as seen from `atMs` (at or after the slot's clock): its events that any later view could need, and
 * whether some were lost. Equal for equal histories, whatever the layout, the lazy expiry, the readings and the order of keys were.
 * Returns the number of events; with 0 and nothing lost the slot is as good as one never used.
 */
export function writeSlotContent(rings: KeyedRings, at: { readonly slot: number; readonly atMs: number }, writer: ByteWriter): number {
  const lostMs = rings.lostThroughMs(at.slot)
  writer.f64(lostMs > at.atMs - rings.retentionMs ? lostMs : -Infinity)
  return writeHeld(rings, at, writer)
}

function writeHeld(rings: KeyedRings, at: { readonly slot: number; readonly atMs: number }, writer: ByteWriter): number {
  let count = 0
  rings.forEachHeld(at.slot, at.atMs, () => count++)
  writer.varint(count)
  let previousMs = 0
  let first = true
  rings.forEachHeld(at.slot, at.atMs, (timeMs, value) => {
    if (first) writer.signedVarint(timeMs)
    else writer.varint(timeMs - previousMs)
    first = false
    previousMs = timeMs
    writer.signedVarint(value)
  })
  return count
}
