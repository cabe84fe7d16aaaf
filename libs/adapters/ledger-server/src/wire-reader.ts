/**
 * Reads protobuf's wire format in place: no message objects, no copies. Only what the append calls need; generated code
 * makes one object and several strings per event, which was the largest cost of the server.
 */
export class WireReader {
  position: number
  end: number
  /** Field number of the last tag read. */
  field = 0
  /** Wire type of the last tag read: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  wireType = 0

  constructor(
    readonly bytes: Buffer,
    start = 0,
    end = bytes.length,
  ) {
    this.position = start
    this.end = end
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false
    const tag = this.varint()
    this.field = Math.floor(tag / 8)
    this.wireType = tag & 7
    return true
  }

  /** An unsigned varint below 2^53; larger ones lose their low bits, which no field read here ever carries. */
  varint(): number {
    let result = 0
    let factor = 1
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) throw new RangeError('protobuf message ends inside a varint')
      const byte = this.bytes[this.position++]
      result += (byte & 0x7f) * factor
      if (byte < 0x80) return result
      factor *= 128
    }
    throw new RangeError('protobuf varint is longer than ten bytes')
  }

  /** An unsigned 64-bit varint, exactly. */
  bigVarint(): bigint {
    let result = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) throw new RangeError('protobuf message ends inside a varint')
      const byte = this.bytes[this.position++]
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, result)
    }
    throw new RangeError('protobuf varint is longer than ten bytes')
  }

  /** Length of a length-delimited field; afterwards `position` stands at its first byte. */
  length(): number {
    if (this.wireType !== 2) throw new RangeError(`protobuf field ${this.field} is not length-delimited`)
    const length = this.varint()
    if (this.position + length > this.end) throw new RangeError(`protobuf field ${this.field} reaches past its message`)
    return length
  }

  /** Passes over the value of the last tag. */
  skip(): void {
    if (this.wireType === 0) this.varint()
    else if (this.wireType === 1) this.position += 8
    else if (this.wireType === 2) {
      const length = this.length()
      this.position += length
    } else if (this.wireType === 5) this.position += 4
    else throw new RangeError(`protobuf wire type ${this.wireType} is not known`)
  }
}
