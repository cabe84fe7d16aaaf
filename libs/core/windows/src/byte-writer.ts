const TWO_31 = 0x80000000
const WORD_BYTES = 4
/** Arrays of words begin at multiples of this in what is written. */
export const WORD_ALIGNMENT_BYTES = 8

/**
 * A growable buffer of bytes for snapshots and canonical hashes. Little-endian; same calls, same bytes, on every engine,
 * but for `words`, which are as the machine orders them.
 *
 * @example
 * const writer = new ByteWriter()
 * writer.varint(300)
 * writer.string('account-7')
 * const bytes = writer.finish()
 */
export class ByteWriter {
  private bytesHeld: Uint8Array
  private view: DataView
  private length = 0

  /** `initialBytes`: first size of the buffer, in bytes; it doubles when full. `makeBuffer`: gives a buffer of so many bytes, or the same one
   * grown to them; by default always a new one, in memory of this thread alone. */
  constructor(
    initialBytes = 1024,
    private readonly makeBuffer: (bytes: number) => ArrayBufferLike = (bytes) => new ArrayBuffer(bytes),
  ) {
    this.bytesHeld = new Uint8Array(makeBuffer(Math.max(16, initialBytes)))
    this.view = new DataView(this.bytesHeld.buffer)
  }

  /** Bytes written so far. */
  get lengthBytes(): number {
    return this.length
  }

  private room(more: number): void {
    const need = this.length + more
    if (need <= this.bytesHeld.length) return
    const grown = new Uint8Array(this.makeBuffer(Math.max(need, this.bytesHeld.length * 2)))
    if (grown.buffer !== this.bytesHeld.buffer) grown.set(this.bytesHeld.subarray(0, this.length))
    this.bytesHeld = grown
    this.view = new DataView(grown.buffer)
  }

  /** One byte: the low 8 bits of `value`. */
  u8(value: number): void {
    this.room(1)
    this.bytesHeld[this.length++] = value
  }

  /** Four bytes, unsigned. */
  u32(value: number): void {
    this.room(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Eight bytes, IEEE 754. -0 is written as 0, so that equal numbers have equal bytes. */
  f64(value: number): void {
    this.room(8)
    this.view.setFloat64(this.length, value === 0 ? 0 : value, true)
    this.length += 8
  }

  /** LEB128 of an integer in `[0, 2^53)`: 1 to 8 bytes. */
  varint(value: number): void {
    this.room(8)
    const bytes = this.bytesHeld
    let rest = value
    while (rest >= TWO_31) {
      bytes[this.length++] = 0x80 | (rest % 128)
      rest = Math.floor(rest / 128)
    }
    while (rest >= 128) {
      bytes[this.length++] = 0x80 | (rest & 127)
      rest >>>= 7
    }
    bytes[this.length++] = rest
  }

  /** A safe integer of either sign: a first byte of (more, sign, 6 bits), then LEB128 of the rest of the magnitude. */
  signedVarint(value: number): void {
    const magnitude = Math.abs(value)
    const low = magnitude % 64
    const sign = value < 0 ? 0x40 : 0
    if (magnitude < 64) {
      this.u8(sign | low)
      return
    }
    this.u8(0x80 | sign | low)
    this.varint((magnitude - low) / 64)
  }

  /** Length as varint, then the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length)
    this.room(value.length)
    this.bytesHeld.set(value, this.length)
    this.length += value.length
  }

  /** The words `[from, to)` of a row that is mostly zeros: for each that is not, its distance from the one before and itself, varints; then 0. */
  sparseWords(values: Uint32Array, from: number, to: number): void {
    this.sparseRuns(values, [{ from, to, place: 0 }])
  }

  /** `sparseWords` of a row whose parts lie elsewhere: the words `[from, to)` of each run stand at the row's `place` on; runs come in order of their places. */
  sparseRuns(values: Uint32Array, runs: readonly { readonly from: number; readonly to: number; readonly place: number }[]): void {
    let last = -1
    for (const { from, to, place } of runs) {
      this.room(10 * (to - from))
      const bytes = this.bytesHeld
      let at = this.length
      for (let i = from; i < to; i++) {
        let value = values[i]
        if (value === 0) continue
        let step = place + i - from - last
        last = place + i - from
        for (; step >= 128; step >>>= 7) bytes[at++] = 0x80 | (step & 127)
        bytes[at++] = step
        for (; value >= 128; value >>>= 7) bytes[at++] = 0x80 | (value & 127)
        bytes[at++] = value
      }
      this.length = at
    }
    this.u8(0)
  }

  /** `sparseWords` for numbers of any kind, each written as `f64` does. */
  sparseNumbers(values: Float64Array | Float32Array, from: number, to: number): void {
    this.room(13 * (to - from) + 1)
    const { bytesHeld: bytes, view } = this
    let at = this.length
    let last = from - 1
    for (let i = from; i < to; i++) {
      const value = values[i]
      if (value === 0) continue
      let step = i - last
      last = i
      for (; step >= 128; step >>>= 7) bytes[at++] = 0x80 | (step & 127)
      bytes[at++] = step
      view.setFloat64(at, value, true)
      at += 8
    }
    bytes[at++] = 0
    this.length = at
  }

  /**
   * A large array as it lies, as this machine orders its bytes: the number of its words, then they, at a multiple of eight. A copy of memory, and no more; V8 copies into
   * shared memory eight bytes at a time where both sides are so aligned, else one at a time.
   */
  words(values: Uint32Array): void {
    this.varint(values.length)
    this.room(WORD_BYTES * values.length + WORD_ALIGNMENT_BYTES)
    while (this.length % WORD_ALIGNMENT_BYTES !== 0) this.bytesHeld[this.length++] = 0
    new Uint32Array(this.bytesHeld.buffer, this.length, values.length).set(values)
    this.length += WORD_BYTES * values.length
  }

  /** Length in bytes as varint, then UTF-8. */
  string(value: string): void {
    if (!this.shortAscii(value)) this.bytes(Buffer.from(value, 'utf8'))
  }

  /** `string` for what ids mostly are, without a buffer for each; false, and nothing written, for any other. */
  private shortAscii(value: string): boolean {
    const { length } = value
    if (length >= 128) return false
    this.room(length + 1)
    const bytes = this.bytesHeld
    for (let i = 0, at = this.length + 1; i < length; i++, at++) {
      const code = value.charCodeAt(i)
      if (code >= 128) return false
      bytes[at] = code
    }
    bytes[this.length] = length
    this.length += length + 1
    return true
  }

  /** The bytes written so far, as a view: valid until the next write. Copy it to keep it. */
  written(): Uint8Array {
    return this.bytesHeld.subarray(0, this.length)
  }

  /** A copy of the bytes written so far. */
  finish(): Uint8Array {
    return this.bytesHeld.slice(0, this.length)
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): void {
    this.length = 0
  }
}

/** Counts at least the bytes that a `ByteWriter` would write, without copying what `words` would. */
export class ByteMeter extends ByteWriter {
  private uncopiedBytes = 0

  override get lengthBytes(): number {
    return super.lengthBytes + this.uncopiedBytes
  }

  /** Up to eight bytes more than are written: the padding that aligns the words is not known here. */
  override words(values: Uint32Array): void {
    this.varint(values.length)
    this.uncopiedBytes += WORD_BYTES * values.length + WORD_ALIGNMENT_BYTES
  }
}

/** The 32-bit words of a typed array, for `ByteWriter.words` and `ByteReader.fillWords`: a view. */
export function wordsOf(array: Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array): Uint32Array {
  return new Uint32Array(array.buffer, array.byteOffset, array.byteLength / WORD_BYTES)
}
