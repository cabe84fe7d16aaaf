/** Writes Kafka's primitive types into bytes that grow. Big-endian; `varint` is zigzag. */
export class ByteWriter {
  private bytes: Buffer
  /** Bytes written. */
  length = 0

  constructor(initialBytes = 512) {
    this.bytes = Buffer.allocUnsafe(initialBytes)
  }

  int8(value: number): void {
    this.reserve(1)
    this.length = this.bytes.writeInt8(value, this.length)
  }

  int16(value: number): void {
    this.reserve(2)
    this.length = this.bytes.writeInt16BE(value, this.length)
  }

  int32(value: number): void {
    this.reserve(4)
    this.length = this.bytes.writeInt32BE(value, this.length)
  }

  /** An integer up to 2^53. */
  int64(value: number): void {
    this.reserve(8)
    const high = Math.floor(value / 2 ** 32)
    this.bytes.writeInt32BE(high, this.length)
    this.bytes.writeUInt32BE(value - high * 2 ** 32, this.length + 4)
    this.length += 8
  }

  bigint64(value: bigint): void {
    this.reserve(8)
    this.length = this.bytes.writeBigInt64BE(value, this.length)
  }

  string(value: string): void {
    const bytes = Buffer.from(value)
    this.int16(bytes.length)
    this.raw(bytes)
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.length)
    this.length += value.length
  }

  /** Zigzag varint of an integer between -2^53 and 2^53. */
  varint(value: number): void {
    this.reserve(9)
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.bytes[this.length++] = rest
  }

  /** Length as a varint, then the bytes; null is a length of -1. */
  varbytes(value: Uint8Array | null): void {
    if (value === null) this.varint(-1)
    else {
      this.varint(value.length)
      this.raw(value)
    }
  }

  /** The bytes written so far, as a view. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, this.length + count))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}

/** Bytes that `ByteWriter.varint` takes for the value. */
export function varintBytes(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let count = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80)
    count++
  }
  return count
}
