/** Reads Kafka's primitive types. Throws `RangeError` where the bytes end too early or a length makes no sense. */
export class ByteReader {
  /** Place of the next byte. */
  at = 0

  constructor(
    readonly bytes: Buffer,
    readonly end = bytes.length,
  ) {}

  int8(): number {
    this.need(1)
    return this.bytes.readInt8(this.at++)
  }

  int16(): number {
    this.need(2)
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.need(4)
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  /** Exact to 2^53: offsets and times stay below. */
  int64(): number {
    this.need(8)
    this.at += 8
    return this.bytes.readInt32BE(this.at - 8) * 2 ** 32 + this.bytes.readUInt32BE(this.at - 4)
  }

  bigint64(): bigint {
    this.need(8)
    this.at += 8
    return this.bytes.readBigInt64BE(this.at - 8)
  }

  string(): string {
    const length = this.int16()
    return this.take(length).toString('utf8')
  }

  /** A view of the next bytes. */
  take(length: number): Buffer {
    if (!(length >= 0)) throw new RangeError(`length ${length} at ${this.at}`)
    this.need(length)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Zigzag varint, exact between -2^53 and 2^53. */
  varint(): number {
    let byte = this.bytes[this.at++]
    if (byte < 0x80) {
      this.need(0)
      return (byte >>> 1) ^ -(byte & 1)
    }
    let value = byte & 0x7f
    let scale = 0x80
    do {
      if (scale > 2 ** 63) throw new RangeError(`varint too long at ${this.at}`)
      byte = this.bytes[this.at++]
      value += (byte & 0x7f) * scale
      scale *= 0x80
    } while (byte >= 0x80)
    this.need(0)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** As `ByteWriter.varbytes` writes them. */
  varbytes(): Buffer | null {
    const length = this.varint()
    return length === -1 ? null : this.take(length)
  }

  private need(count: number): void {
    if (this.at + count > this.end) throw new RangeError(`${count} bytes wanted at ${this.at} of ${this.end}`)
  }
}
