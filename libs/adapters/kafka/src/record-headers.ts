import type { ByteReader } from './byte-reader'

/** Bounds what a record that is not whole could make of a number of headers. */
const MOST_HEADERS = 1_000

/** Of a record, where it lies and what stands in its headers; a later header of the same name replaces the earlier. */
export interface RecordHeaders {
  readonly offset: number
  readonly headers: Readonly<Record<string, string>>
}

/** As `readRecord` takes the next record of a batch, for who wants its headers and nothing else. Throws `RangeError` for a record that is not whole. */
export function readRecordHeaders(reader: ByteReader, { baseOffset }: { readonly baseOffset: number }): RecordHeaders {
  const length = reader.varint()
  const end = reader.at + length
  if (!(length >= 0 && end <= reader.end)) throw new RangeError(`record of ${length} bytes at ${reader.at} of ${reader.end}`)
  reader.at++
  // Its time.
  reader.varint()
  const offset = baseOffset + reader.varint()
  // Key and value.
  reader.varbytes()
  reader.varbytes()
  const count = reader.varint()
  if (!(count >= 0 && count <= MOST_HEADERS)) throw new RangeError(`${count} headers at offset ${offset}`)
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (let i = 0; i < count; i++) {
    const name = textOf(reader.varbytes())
    headers[name] = textOf(reader.varbytes())
  }
  if (reader.at !== end) throw new RangeError(`record at offset ${offset} is not as long as it says`)
  return { offset, headers }
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
