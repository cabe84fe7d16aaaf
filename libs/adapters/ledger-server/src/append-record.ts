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
/** First four bytes of every record. */
export const MAGIC = 0x31414c52
/** Bytes before the table of events. */
export const HEADER_BYTES = 36
/** Bytes of one event in the table. */
export const ENTRY_BYTES = 20
/** Bytes before an event's type. */
export const EVENT_HEADER_BYTES = 7

/** The store holds bytes that no append can have written. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError'
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
