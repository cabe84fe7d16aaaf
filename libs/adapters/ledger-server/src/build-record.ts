import { ENTRY_BYTES, EVENT_HEADER_BYTES, HEADER_BYTES, MAGIC } from './append-record'
import type { ProposedRange } from './append-request'
import { WireReader } from './wire-reader'

const MAX_TYPE_BYTES = 0xffff

/** An append as the caller proposed it, laid out for the store; revision and position come later, see `placeRecord`. */
export interface BuiltRecord {
  readonly record: Buffer
  readonly count: number
  /** Bytes of data, metadata and types, as the limit on one append counts them. */
  readonly payloadBytes: number
}

/**
 * Lays the proposed events of one append out as a record. Copies each byte once. Throws `RangeError` where the events are not
 * protobuf, lack an id, or have a type longer than 65,535 bytes.
 */
export function buildRecord(stream: string, proposed: readonly ProposedRange[], createdMs: number): BuiltRecord {
  const count = proposed.length
  const nameBytes = Buffer.byteLength(stream)
  let bound = HEADER_BYTES + nameBytes + count * (ENTRY_BYTES + EVENT_HEADER_BYTES)
  for (const range of proposed) bound += range.end - range.start
  const record = Buffer.allocUnsafeSlow(bound)
  record.writeUInt32LE(MAGIC, 0)
  record.writeUInt32LE(count, 4)
  record.writeDoubleLE(createdMs, 8)
  record.writeDoubleLE(0, 16)
  record.writeDoubleLE(0, 24)
  record.writeUInt32LE(nameBytes, 32)
  const bodyStart = HEADER_BYTES + count * ENTRY_BYTES + nameBytes
  record.write(stream, bodyStart - nameBytes, 'utf8')
  let at = bodyStart
  let payloadBytes = 0
  let reader = new WireReader(EMPTY)
  for (let i = 0; i < count; i++) {
    const eventStart = at
    const { bytes, start, end } = proposed[i]
    if (reader.bytes !== bytes) reader = new WireReader(bytes)
    reader.position = start
    reader.end = end
    at = writeEvent(reader, record, { at, idAt: HEADER_BYTES + i * ENTRY_BYTES })
    record.writeUInt32LE(at - bodyStart, HEADER_BYTES + i * ENTRY_BYTES + 16)
    payloadBytes += at - eventStart - EVENT_HEADER_BYTES
  }
  return { record: record.subarray(0, at), count, payloadBytes }
}

/** Writes a revision and a position, once they are known, into a record that `buildRecord` made. */
export function placeRecord(record: Buffer, firstRevision: number, firstPosition: number): void {
  record.writeDoubleLE(firstRevision, 16)
  record.writeDoubleLE(firstPosition, 24)
}

/** `ProposedMessage`: 1 id, 2 metadata map, 3 custom metadata, 4 data. Returns where the next event begins. */
function writeEvent(reader: WireReader, record: Buffer, { at, idAt }: { at: number; idAt: number }): number {
  const { bytes } = reader
  let hasId = false
  let json = 0
  let typeStart = 0
  let typeEnd = 0
  let metadataStart = 0
  let metadataEnd = 0
  let dataStart = 0
  let dataEnd = 0
  while (reader.next()) {
    const field = reader.field
    if (field > 4) {
      reader.skip()
      continue
    }
    const length = reader.length()
    const start = reader.position
    const end = start + length
    if (field === 1) {
      readUuid(reader, end, { record, idAt })
      hasId = true
    } else if (field === 2) {
      const entry = readMapEntry(reader, end)
      if (entry.key === 'type') {
        typeStart = entry.valueStart
        typeEnd = entry.valueEnd
      } else if (entry.key === 'content-type') {
        json = holds(bytes, entry.valueStart, { end: entry.valueEnd, text: JSON_CONTENT_TYPE }) ? 1 : 0
      }
    } else if (field === 3) {
      metadataStart = start
      metadataEnd = end
    } else {
      dataStart = start
      dataEnd = end
    }
    reader.position = end
  }
  if (!hasId) throw new RangeError('a proposed event has no id')
  if (typeEnd - typeStart > MAX_TYPE_BYTES) throw new RangeError(`an event's type is longer than ${MAX_TYPE_BYTES} bytes`)
  record[at] = json
  record.writeUInt16LE(typeEnd - typeStart, at + 1)
  record.writeUInt32LE(metadataEnd - metadataStart, at + 3)
  at += EVENT_HEADER_BYTES
  at += bytes.copy(record, at, typeStart, typeEnd)
  at += bytes.copy(record, at, metadataStart, metadataEnd)
  return at + bytes.copy(record, at, dataStart, dataEnd)
}

interface MapEntry {
  key: string
  valueStart: number
  valueEnd: number
}

// Reused: one per event would be garbage on the hot path. Valid until the next call.
const entryScratch: MapEntry = { key: '', valueStart: 0, valueEnd: 0 }

function readMapEntry(reader: WireReader, end: number): MapEntry {
  const outerEnd = reader.end
  reader.end = end
  entryScratch.key = ''
  entryScratch.valueStart = 0
  entryScratch.valueEnd = 0
  while (reader.next()) {
    const field = reader.field
    const length = reader.length()
    const start = reader.position
    if (field === 1) {
      if (holds(reader.bytes, start, { end: start + length, text: TYPE_KEY })) entryScratch.key = 'type'
      else if (holds(reader.bytes, start, { end: start + length, text: CONTENT_TYPE_KEY })) entryScratch.key = 'content-type'
    } else if (field === 2) {
      entryScratch.valueStart = start
      entryScratch.valueEnd = start + length
    }
    reader.position = start + length
  }
  reader.end = outerEnd
  return entryScratch
}

const EMPTY = Buffer.alloc(0)
const TYPE_KEY = Buffer.from('type')
const CONTENT_TYPE_KEY = Buffer.from('content-type')
const JSON_CONTENT_TYPE = Buffer.from('application/json')

/** Whether `[start, end)` holds exactly this text; without making a string of it. */
function holds(bytes: Buffer, start: number, { end, text }: { end: number; text: Buffer }): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

const HEX_VALUE = new Int8Array(256).fill(-1)
for (let i = 0; i < 16; i++) {
  HEX_VALUE['0123456789abcdef'.charCodeAt(i)] = i
  HEX_VALUE['0123456789ABCDEF'.charCodeAt(i)] = i
}

/** `UUID`: 1 structured { 1 most, 2 least significant bits }, or 2 text. */
function readUuid(reader: WireReader, end: number, { record, idAt }: { record: Buffer; idAt: number }): void {
  const outerEnd = reader.end
  reader.end = end
  while (reader.next()) {
    const field = reader.field
    const length = reader.length()
    const innerEnd = reader.position + length
    if (field === 2) {
      readUuidText(reader.bytes, reader.position, { end: innerEnd, record, idAt })
    } else if (field === 1) {
      const structured = new WireReader(reader.bytes, reader.position, innerEnd)
      record.fill(0, idAt, idAt + 16)
      while (structured.next()) {
        if (structured.field === 1) record.writeBigUInt64BE(structured.bigVarint(), idAt)
        else if (structured.field === 2) record.writeBigUInt64BE(structured.bigVarint(), idAt + 8)
        else structured.skip()
      }
    }
    reader.position = innerEnd
  }
  reader.end = outerEnd
}

function readUuidText(bytes: Buffer, start: number, { end, record, idAt }: { end: number; record: Buffer; idAt: number }): void {
  let written = 0
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x2d) continue
    const high = HEX_VALUE[bytes[i]]
    const low = i + 1 < end ? HEX_VALUE[bytes[++i]] : -1
    if (high < 0 || low < 0 || written === 16) throw new RangeError("an event's id is not a UUID")
    record[idAt + written++] = high * 16 + low
  }
  if (written !== 16) throw new RangeError("an event's id is not a UUID")
}
