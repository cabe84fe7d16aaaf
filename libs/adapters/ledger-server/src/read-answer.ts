import type { AppendView } from './append-record'
import { varintBytes, writeVarint } from './wire-writer'

// A tick is 100 ns, so a millisecond has 10,000; an integer of milliseconds is below 2^53 and prints without an exponent.
const TICKS_PER_MILLISECOND_ZEROS = '0000'

function bigVarint(value: bigint): Buffer {
  const out: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest >= 128n) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Buffer.from(out)
}

const HEX_DIGITS = Buffer.from('0123456789abcdef')
const TEXT_ID_BYTES = 40

/** Field 1 of a recorded event as `UUID` { 2 text }, from the id's 16 bytes. */
function writeTextId(out: Buffer, at: number, id: { readonly bytes: Buffer; readonly start: number }): number {
  out[at++] = 0x0a
  out[at++] = TEXT_ID_BYTES - 2
  out[at++] = 0x12
  out[at++] = TEXT_ID_BYTES - 4
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) out[at++] = 0x2d
    const byte = id.bytes[id.start + i]
    out[at++] = HEX_DIGITS[byte >> 4]
    out[at++] = HEX_DIGITS[byte & 15]
  }
  return at
}

/** Field 1 of a recorded event as `UUID` { 1 structured { 1 most, 2 least significant bits } }. */
function structuredId(bytes: Buffer, start: number): Buffer {
  const most = bigVarint(bytes.readBigUInt64BE(start))
  const least = bigVarint(bytes.readBigUInt64BE(start + 8))
  const inner = Buffer.concat([Buffer.from([0x08]), most, Buffer.from([0x10]), least])
  return Buffer.concat([Buffer.from([0x0a, inner.length + 2, 0x0a, inner.length]), inner])
}

const JSON_TYPE = Buffer.concat([
  Buffer.from([0x32, 32, 0x0a, 12]),
  Buffer.from('content-type'),
  Buffer.from([0x12, 16]),
  Buffer.from('application/json'),
])
const BINARY_TYPE = Buffer.concat([
  Buffer.from([0x32, 40, 0x0a, 12]),
  Buffer.from('content-type'),
  Buffer.from([0x12, 24]),
  Buffer.from('application/octet-stream'),
])

/** Map entry `created`: ticks of 100 ns since 1970, as text. */
function createdEntry(createdMs: number): Buffer {
  const ticks = Buffer.from(createdMs === 0 ? '0' : `${createdMs}${TICKS_PER_MILLISECOND_ZEROS}`, 'latin1')
  return Buffer.concat([Buffer.from([0x32, ticks.length + 11, 0x0a, 7]), Buffer.from('created'), Buffer.from([0x12, ticks.length]), ticks])
}

/**
 * Encodes `ReadResp { 1 event: ReadEvent { 1 event: RecordedEvent, 3 commit position } }` straight from the stored bytes.
 * `RecordedEvent`: 1 id, 2 stream identifier { 3 name }, 3 revision, 4 prepare, 5 commit position, 6 metadata map, 7 custom
 * metadata, 8 data. One instance serves one read: it keeps what is the same for all events of an append.
 */
export class EventEncoder {
  private view: AppendView | undefined
  private created: Buffer = Buffer.alloc(0)

  constructor(private readonly structuredIds: boolean) {}

  encode(view: AppendView, index: number): Buffer {
    if (this.view !== view) {
      this.view = view
      this.created = createdEntry(view.createdMs)
    }
    const { bytes } = view
    const event = view.event(index)
    const revision = view.firstRevision + index
    const position = view.firstPosition + index
    const id = this.structuredIds ? structuredId(bytes, event.idStart) : undefined
    const contentType = event.isJson ? JSON_TYPE : BINARY_TYPE
    const nameLength = view.bodyStart - view.nameStart
    const typeLength = event.metadataStart - event.typeStart
    const metadataLength = event.dataStart - event.metadataStart
    const dataLength = event.end - event.dataStart
    const identifierLength = 1 + varintBytes(nameLength) + nameLength
    const typeEntryLength = 6 + 1 + varintBytes(typeLength) + typeLength
    const positionLength = 1 + varintBytes(position)
    const recordedLength =
      (id === undefined ? TEXT_ID_BYTES : id.length) +
      (1 + varintBytes(identifierLength) + identifierLength) +
      (1 + varintBytes(revision)) +
      2 * positionLength +
      (1 + varintBytes(typeEntryLength) + typeEntryLength) +
      contentType.length +
      this.created.length +
      (1 + varintBytes(metadataLength) + metadataLength) +
      (1 + varintBytes(dataLength) + dataLength)
    const readEventLength = 1 + varintBytes(recordedLength) + recordedLength + positionLength
    const out = Buffer.allocUnsafe(1 + varintBytes(readEventLength) + readEventLength)
    let at = 0
    out[at++] = 0x0a
    at = writeVarint(out, at, readEventLength)
    out[at++] = 0x0a
    at = writeVarint(out, at, recordedLength)
    at = id === undefined ? writeTextId(out, at, { bytes, start: event.idStart }) : at + id.copy(out, at)
    out[at++] = 0x12
    at = writeVarint(out, at, identifierLength)
    out[at++] = 0x1a
    at = writeVarint(out, at, nameLength)
    at += bytes.copy(out, at, view.nameStart, view.bodyStart)
    out[at++] = 0x18
    at = writeVarint(out, at, revision)
    out[at++] = 0x20
    at = writeVarint(out, at, position)
    out[at++] = 0x28
    at = writeVarint(out, at, position)
    out[at++] = 0x32
    at = writeVarint(out, at, typeEntryLength)
    at += out.write('\n\u0004type\u0012', at, 'latin1')
    at = writeVarint(out, at, typeLength)
    at += bytes.copy(out, at, event.typeStart, event.metadataStart)
    at += contentType.copy(out, at)
    at += this.created.copy(out, at)
    out[at++] = 0x3a
    at = writeVarint(out, at, metadataLength)
    at += bytes.copy(out, at, event.metadataStart, event.dataStart)
    out[at++] = 0x42
    at = writeVarint(out, at, dataLength)
    at += bytes.copy(out, at, event.dataStart, event.end)
    out[at++] = 0x18
    writeVarint(out, at, position)
    return out
  }
}
