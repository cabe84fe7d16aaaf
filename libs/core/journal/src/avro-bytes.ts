import { strict as assert } from 'node:assert'

/** 64 * 128^8: what a number of nine bytes reaches; a safe integer needs eight. */
const MAX_SCALE = 4_611_686_018_427_387_904

/**
 * Writes Avro's binary primitives into one growing buffer, for entries that the engine itself made. (The codec of events is another: it holds each
 * field of a stranger's record to its schema, and names it.) Integers are zig-zag varints and must be safe integers; anything else is a programmer's error.
 * The buffer is reused after `reset`; `take` hands out a copy.
 */
export class AvroWriter {
  private buffer: Buffer
  position = 0

  constructor(initialBytes = 65_536) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
  }

  reset(): void {
    this.position = 0
  }

  /** Makes room for `bytes` more; grows by doubling. */
  reserve(bytes: number): void {
    if (this.position + bytes <= this.buffer.length) return
    let length = this.buffer.length * 2
    while (length < this.position + bytes) length *= 2
    const grown = Buffer.allocUnsafe(length)
    this.buffer.copy(grown, 0, 0, this.position)
    this.buffer = grown
  }

  long(value: number): void {
    assert(Number.isSafeInteger(value), 'an Avro long of the journal is a safe integer')
    this.reserve(10)
    const buffer = this.buffer
    let position = this.position
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
      while (zigzag >= 128) {
        buffer[position++] = (zigzag & 127) | 128
        zigzag >>>= 7
      }
      buffer[position++] = zigzag
      this.position = position
      return
    }
    // The zig-zag of a value near 2^53 is no safe integer any more: the lowest bit goes apart.
    const half = value >= 0 ? value : -value - 1
    const sign = value >= 0 ? 0 : 1
    let rest = Math.floor(half / 64)
    let low = (half - rest * 64) * 2 + sign
    while (rest > 0) {
      buffer[position++] = low | 128
      const next = Math.floor(rest / 128)
      low = rest - next * 128
      rest = next
    }
    buffer[position++] = low
    this.position = position
  }

  /** One byte as it is: an Avro boolean, or a union or enum index below 64 already doubled by the caller. */
  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.position++] = value
  }

  /** Bytes without a length: Avro `fixed`. */
  fixed(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** Bytes without a length, given as a string of one character for each: that is how a digest comes without a buffer of its own. */
  fixedLatin1(text: string): void {
    this.reserve(text.length)
    this.buffer.write(text, this.position, text.length, 'latin1')
    this.position += text.length
  }

  bytes(bytes: Uint8Array): void {
    this.long(bytes.length)
    this.fixed(bytes)
  }

  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.long(length)
    this.reserve(length)
    this.position += this.buffer.write(text, this.position, length, 'utf8')
  }

  /** What was written since `reset`: a view that the next write may change. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.position)
  }

  take(): Buffer {
    return Buffer.from(this.view())
  }
}

/** Thrown by `AvroReader` where bytes end early or a number leaves its bounds; caught by the readers of entries, which name the place. */
export class MalformedBytesError extends Error {
  override readonly name = 'MalformedBytesError'
}

/** Reads what `AvroWriter` writes, checking every bound; byte fields are views into the input. */
export class AvroReader {
  private readonly buffer: Buffer
  position = 0

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get atEnd(): boolean {
    return this.position >= this.buffer.length
  }

  byte(): number {
    if (this.position >= this.buffer.length) throw new MalformedBytesError(`bytes end at ${this.position}`)
    return this.buffer[this.position++]
  }

  long(): number {
    const buffer = this.buffer
    const at = this.position
    // Most numbers of an entry take a byte or two. Past the end these are undefined, and neither is below 128.
    const first = buffer[at]
    if (first < 128) {
      this.position = at + 1
      return (first >> 1) ^ -(first & 1)
    }
    const second = buffer[at + 1]
    if (second < 128) {
      this.position = at + 2
      const zigzag = (second << 7) | (first & 127)
      return (zigzag >> 1) ^ -(zigzag & 1)
    }
    return this.longOfAnySize()
  }

  private longOfAnySize(): number {
    const buffer = this.buffer
    let position = this.position
    if (position >= buffer.length) throw new MalformedBytesError(`bytes end before a number at ${position}`)
    let byte = buffer[position++]
    const sign = byte & 1
    let half = (byte & 127) >> 1
    let scale = 64
    while (byte >= 128) {
      if (position >= buffer.length) throw new MalformedBytesError(`bytes end inside a number at ${position}`)
      byte = buffer[position++]
      half += byte * scale - (byte & 128) * scale
      scale *= 128
      if (half > Number.MAX_SAFE_INTEGER || scale > MAX_SCALE) throw new MalformedBytesError(`a number at ${this.position} leaves 2^53`)
    }
    this.position = position
    return sign === 0 ? half : -half - 1
  }

  /** The branch of a union of two, 0 or 1, in its one byte. */
  branch(): number {
    const byte = this.byte()
    if (byte !== 0 && byte !== 2) throw new MalformedBytesError(`byte ${byte} at ${this.position - 1} names no branch of a union of two`)
    return byte >> 1
  }

  /** A number, or null where the union's branch is 0. */
  optionalLong(): number | null {
    return this.branch() === 0 ? null : this.long()
  }

  /** The symbol of an enum of fewer than 64, from its one byte. */
  symbol<T>(symbols: readonly T[]): T {
    const doubled = this.byte()
    const value = (doubled & 1) === 0 ? symbols[doubled >> 1] : undefined
    if (value === undefined) throw new MalformedBytesError(`${doubled >> 1} names no symbol of its enum`)
    return value
  }

  boolean(): boolean {
    const byte = this.byte()
    if (byte > 1) throw new MalformedBytesError(`byte ${byte} at ${this.position - 1} is no boolean`)
    return byte === 1
  }

  /** A length or count: 0 to `limit`. */
  count(limit: number): number {
    const at = this.position
    const value = this.long()
    if (value < 0 || value > limit) throw new MalformedBytesError(`a count of ${value} at ${at} is over its limit of ${limit}`)
    return value
  }

  fixed(length: number): Uint8Array {
    const start = this.position
    this.skip(length)
    return this.view(start, this.position)
  }

  /** Passes over so many bytes. */
  skip(length: number): void {
    const end = this.position + length
    if (end > this.buffer.length) throw new MalformedBytesError(`${length} bytes at ${this.position} reach past the end`)
    this.position = end
  }

  /** The bytes `[start, end)` of the input, which were read or passed over before. */
  view(start: number, end: number): Uint8Array {
    return this.buffer.subarray(start, end)
  }

  bytes(): Uint8Array {
    return this.fixed(this.count(this.buffer.length))
  }

  /** Passes over what `bytes` reads, and returns its length. */
  skipBytes(): number {
    const length = this.count(this.buffer.length)
    this.skip(length)
    return length
  }

  string(): string {
    const length = this.skipBytes()
    return this.buffer.toString('utf8', this.position - length, this.position)
  }
}
