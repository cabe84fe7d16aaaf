import { fromHex } from '../text/hex'
import type { AvroReader } from './avro-reader'
import type { SchemaArtifact } from './event-codec'

/** Length of the header of a single-object encoding: `C3 01` and the 8 bytes of the schema's fingerprint. */
export const HEADER_BYTES = 10

/** Writes the header for a fingerprint of 16 hexadecimal digits to the start of the target. */
function writeHeader(target: Uint8Array, at: number, fingerprint: Uint8Array): void {
  target[at] = 0xc3
  target[at + 1] = 0x01
  for (let i = 0; i < 8; i++) target[at + 2 + i] = fingerprint[i]
}

/** The header of a schema: ten bytes. */
export function headerOf(schema: Pick<SchemaArtifact, 'fingerprint'>): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  writeHeader(header, 0, fromHex(schema.fingerprint))
  return header
}

/** True if the ten bytes of the header stand at `from`, by default the value's start; false also where it is shorter. */
export function hasHeader(value: Uint8Array, header: Uint8Array, from = 0): boolean {
  if (value.length - from < HEADER_BYTES) return false
  for (let i = 0; i < HEADER_BYTES; i++) if (value[from + i] !== header[i]) return false
  return true
}

/** Reads a whole framed record whose header was checked; null after a failure, which stands in the reader. */
export function readFramed<Event>(reader: AvroReader, value: Uint8Array, read: (reader: AvroReader) => Event): Event | null {
  reader.reset(value, HEADER_BYTES, value.length)
  const event = read(reader)
  reader.finish()
  return reader.failure === null ? event : null
}
