/**
 * Goes through the fields of one protobuf message in place: no message objects, no copies. The generated code of the client makes an
 * object and several strings for every entry. After `next`, `[start, end)` is where the value lies, without its length.
 */
export class FieldReader {
  field = 0
  /** The varint's value, exact below 2^53; 0 for other fields. */
  value = 0
  start = 0
  end = 0

  constructor(
    readonly bytes: Buffer,
    private position = 0,
    private readonly limit = bytes.length,
  ) {}

  /** Moves to the next field; false at the message's end. Throws `RangeError` on bytes that are not protobuf. */
  next(): boolean {
    if (this.position >= this.limit) return false
    const tag = this.varint()
    this.field = Math.floor(tag / 8)
    const wireType = tag & 7
    const valueStart = this.position
    this.value = wireType === 0 ? this.varint() : 0
    if (wireType === 0) {
      this.start = valueStart
      this.end = this.position
      return true
    }
    const length = wireType === 2 ? this.varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : 0
    if (wireType === 3 || wireType === 4 || wireType > 5) throw new RangeError(`protobuf wire type ${wireType} is not known`)
    this.start = this.position
    this.end = this.position + length
    if (this.end > this.limit) throw new RangeError(`protobuf field ${this.field} reaches past its message`)
    this.position = this.end
    return true
  }

  /** The varint's value as an unsigned 64-bit number, exactly. */
  bigValue(): bigint {
    if (Number.isSafeInteger(this.value)) return BigInt(this.value)
    let result = 0n
    for (let at = this.end - 1; at >= this.start; at--) result = (result << 7n) | BigInt(this.bytes[at] & 0x7f)
    return BigInt.asUintN(64, result)
  }

  /** The message in the current field. */
  message(): FieldReader {
    return new FieldReader(this.bytes, this.start, this.end)
  }

  /** The text in the current field. */
  text(): string {
    return this.bytes.toString('utf8', this.start, this.end)
  }

  private varint(): number {
    let result = 0
    let factor = 1
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.limit) throw new RangeError('protobuf message ends inside a varint')
      const byte = this.bytes[this.position++]
      result += (byte & 0x7f) * factor
      if (byte < 0x80) return result
      factor *= 128
    }
    throw new RangeError('protobuf varint is longer than ten bytes')
  }
}

/** Bytes that a number takes as a varint. */
export function varintBytes(value: number): number {
  let bytes = 1
  while (value >= 128) {
    value = Math.floor(value / 128)
    bytes++
  }
  return bytes
}

/** Writes a non-negative integer as a varint; returns where the next byte goes. */
export function writeVarint(out: Buffer, at: number, value: number): number {
  while (value >= 128) {
    out[at++] = (value % 128) | 0x80
    value = Math.floor(value / 128)
  }
  out[at++] = value
  return at
}
