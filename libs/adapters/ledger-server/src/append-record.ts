import type { ProposedRange } from './append-request'
import { WireReader } from './wire-reader'

/*
 * How one append lies in the store: one value, whatever number of events it holds. Little-endian.
 *
 *   0  u32  magic 'RLA1'
 *   4  u32  count of events
 *   8  f64  created, epoch milliseconds
 *  16  f64  revision of the first event
 *  24  f64  position of the first event in $all
 *  32  u32  length of the stream's name in bytes
 *  36  per event: id (16 bytes), u32 end of the event, counted from the start of the body
 *      name, UTF-8
 *      body, per event: u8 1 for JSON else 0, u16 length of type, u32 length of metadata, type, metadata, data
 */
const MAGIC = 0x31414c52
const HEADER_BYTES = 36
const ENTRY_BYTES = 20
const EVENT_HEADER_BYTES = 7

/** Longest type name of an event, in bytes. */
export const MAX_TYPE_BYTES = 0xffff

/** The store holds bytes that no append can have written. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError'
}

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
  for (let i = 0; i < count; i++) {
    const eventStart = at
    at = writeEvent(record, at, { idAt: HEADER_BYTES + i * ENTRY_BYTES, range: proposed[i] })
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
function writeEvent(record: Buffer, at: number, { idAt, range }: { idAt: number; range: ProposedRange }): number {
  const { bytes } = range
  const reader = new WireReader(bytes, range.start, range.end)
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
      readUuid(new WireReader(bytes, start, end), record, idAt)
      hasId = true
    } else if (field === 2) {
      const entry = readMapEntry(new WireReader(bytes, start, end))
      if (entry.key === 'type') {
        typeStart = entry.valueStart
        typeEnd = entry.valueEnd
      } else if (entry.key === 'content-type') {
        json = bytes.toString('latin1', entry.valueStart, entry.valueEnd) === 'application/json' ? 1 : 0
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

function readMapEntry(reader: WireReader): MapEntry {
  entryScratch.key = ''
  entryScratch.valueStart = 0
  entryScratch.valueEnd = 0
  while (reader.next()) {
    const field = reader.field
    const length = reader.length()
    if (field === 1) {
      entryScratch.key = length === 4 ? 'type' : length === 12 ? 'content-type' : ''
      if (entryScratch.key !== reader.bytes.toString('latin1', reader.position, reader.position + length)) entryScratch.key = ''
    } else if (field === 2) {
      entryScratch.valueStart = reader.position
      entryScratch.valueEnd = reader.position + length
    }
    reader.position += length
  }
  return entryScratch
}

const HEX_VALUE = new Int8Array(256).fill(-1)
for (let i = 0; i < 16; i++) {
  HEX_VALUE['0123456789abcdef'.charCodeAt(i)] = i
  HEX_VALUE['0123456789ABCDEF'.charCodeAt(i)] = i
}

/** `UUID`: 1 structured { 1 most, 2 least significant bits }, or 2 text. */
function readUuid(reader: WireReader, record: Buffer, idAt: number): void {
  while (reader.next()) {
    const field = reader.field
    const length = reader.length()
    const end = reader.position + length
    if (field === 2) {
      readUuidText(reader.bytes, reader.position, { end, record, idAt })
    } else if (field === 1) {
      const structured = new WireReader(reader.bytes, reader.position, end)
      record.fill(0, idAt, idAt + 16)
      while (structured.next()) {
        if (structured.field === 1) record.writeBigUInt64BE(structured.bigVarint(), idAt)
        else if (structured.field === 2) record.writeBigUInt64BE(structured.bigVarint(), idAt + 8)
        else structured.skip()
      }
    }
    reader.position = end
  }
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

/** One event inside a record; the ranges `[start, end)` are offsets into `bytes`. */
export interface StoredEvent {
  readonly isJson: boolean
  readonly idStart: number
  readonly typeStart: number
  readonly metadataStart: number
  readonly dataStart: number
  readonly end: number
}

/** A record read back. Throws `DamagedRecordError` where lengths do not fit; it never looks at what data and metadata say. */
export class AppendView {
  readonly count: number
  readonly createdMs: number
  readonly firstRevision: number
  readonly firstPosition: number
  readonly nameStart: number
  readonly bodyStart: number
  private name: string | undefined

  constructor(readonly bytes: Buffer) {
    if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) throw new DamagedRecordError('the record has no valid head')
    this.count = bytes.readUInt32LE(4)
    this.createdMs = bytes.readDoubleLE(8)
    this.firstRevision = bytes.readDoubleLE(16)
    this.firstPosition = bytes.readDoubleLE(24)
    this.nameStart = HEADER_BYTES + this.count * ENTRY_BYTES
    this.bodyStart = this.nameStart + bytes.readUInt32LE(32)
    const sound =
      Number.isSafeInteger(this.firstRevision) && Number.isSafeInteger(this.firstPosition) && Number.isSafeInteger(this.createdMs)
    if (!sound || this.count === 0 || this.bodyStart > bytes.length) throw new DamagedRecordError('the record contradicts itself')
  }

  get stream(): string {
    return (this.name ??= this.bytes.toString('utf8', this.nameStart, this.bodyStart))
  }

  get lastRevision(): number {
    return this.firstRevision + this.count - 1
  }

  get lastPosition(): number {
    return this.firstPosition + this.count - 1
  }

  event(index: number): StoredEvent {
    const { bytes, bodyStart } = this
    const idStart = HEADER_BYTES + index * ENTRY_BYTES
    const start = bodyStart + (index === 0 ? 0 : bytes.readUInt32LE(idStart - 4))
    const end = bodyStart + bytes.readUInt32LE(idStart + 16)
    if (start + EVENT_HEADER_BYTES > end || end > bytes.length)
      throw new DamagedRecordError(`event ${index} of the record has no valid bounds`)
    const typeStart = start + EVENT_HEADER_BYTES
    const metadataStart = typeStart + bytes.readUInt16LE(start + 1)
    const dataStart = metadataStart + bytes.readUInt32LE(start + 3)
    if (dataStart > end) throw new DamagedRecordError(`event ${index} of the record has no valid bounds`)
    return { isJson: bytes[start] === 1, idStart, typeStart, metadataStart, dataStart, end }
  }

  /** Whether event `index` here and event `otherIndex` of another record have the same id. */
  sameId(index: number, other: AppendView, otherIndex: number): boolean {
    const a = HEADER_BYTES + index * ENTRY_BYTES
    const b = HEADER_BYTES + otherIndex * ENTRY_BYTES
    return this.bytes.compare(other.bytes, b, b + 16, a, a + 16) === 0
  }
}
