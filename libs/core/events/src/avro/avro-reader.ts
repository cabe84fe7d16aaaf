import { isUtf8 } from 'node:buffer'
import type { QuarantineReason } from '../quarantine-reason'
import { describeFormat, hasFormat, type TextFormat } from '../text/format'
import { asciiText } from '../text/ascii'
import { slotOf, StringTable } from '../text/string-table'
import { isHostile, quoted } from '../text/token'
import { utf8Text } from '../text/utf8'
import { isNilUuid, uuidText } from '../text/uuid'
import { spanAt, type TokenSpan } from './token-span'

const TWO_27 = 134217728
const TWO_26 = 67108864

/** Valid tokens, and valid strings of a format, as met so far: finding one there spares its checks. */
const TOKENS = new StringTable()
const FORMATTED: Readonly<Record<TextFormat, StringTable>> = {
  currency: new StringTable(),
  country: new StringTable(),
  digits: new StringTable(),
  sha256: new StringTable(),
  hex16: new StringTable(),
  uuid: new StringTable(),
}
const TEXTS = new StringTable()

/**
 * Reads Avro's binary encoding (Avro 1.11 specification, "Binary encoding") from bytes that nobody vouches for. Never throws: the first
 * thing wrong is kept in `failure` and `detail`, everything read after it is a harmless filler, and nothing is read outside
 * `[from, to)`. Use: `reset`, read every field, then look at `failure`. One reader serves any number of records.
 */
export class AvroReader {
  /** The first thing found wrong since `reset`, or null. */
  failure: QuarantineReason | null = null
  /** What was wrong, in words, with the field's name; empty while `failure` is null. */
  detail = ''
  /** The bytes that are read. */
  bytes: Uint8Array = new Uint8Array(0)
  private at = 0
  private end = 0

  /** Starts to read `bytes[from, to)`. */
  reset(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes
    this.at = from
    this.end = to
    this.failure = null
    this.detail = ''
  }

  /** Notes what is wrong, unless something was before, and reads nothing more. */
  fail(reason: QuarantineReason, detail: string): void {
    if (this.failure === null) {
      this.failure = reason
      this.detail = detail
    }
    this.at = this.end
  }

  /** Notes `trailing-bytes` if anything is left. */
  finish(): void {
    if (this.failure === null && this.at !== this.end) {
      this.fail('trailing-bytes', `${this.end - this.at} bytes are left after the last field; a record ends with its last field`)
    }
  }

  /** An int or a long within `[minimum, maximum]`, both safe integers. */
  integer(field: string, minimum: number, maximum: number): number {
    const value = this.zigzag(field)
    if (value >= minimum && value <= maximum) return value
    this.fail('invalid-value', `${field} is ${value}; it is from ${minimum} to ${maximum}`)
    return minimum
  }

  boolean(field: string): boolean {
    if (this.at >= this.end) {
      this.ends(field)
      return false
    }
    const byte = this.bytes[this.at++]
    if (byte > 1) this.fail('invalid-value', `${field} is encoded as ${byte}; a boolean is 0 or 1`)
    return byte === 1
  }

  /** Index of a union's branch, below `branches`. */
  branch(field: string, branches: number): number {
    if (this.at < this.end) {
      const byte = this.bytes[this.at]
      if ((byte & 0x81) === 0 && byte >>> 1 < branches) {
        this.at++
        return byte >>> 1
      }
    }
    const index = this.zigzag(field)
    if (index >= 0 && index < branches) return index
    this.fail('invalid-value', `${field} names branch ${index} of a union of ${branches}`)
    return 0
  }

  /** Index of an enum's symbol, below `symbols`. */
  symbol(field: string, symbols: number): number {
    const index = this.zigzag(field)
    if (index >= 0 && index < symbols) return index
    this.fail('unknown-enum', `${field} names symbol ${index}; its schema knows 0 to ${symbols - 1}`)
    return 0
  }

  /** A UUID of 16 bytes as 36 lowercase characters; the nil UUID is no identity. */
  uuid(field: string): string {
    const at = this.at
    if (this.end - at < 16) {
      this.ends(field)
      return ''
    }
    this.at = at + 16
    const bytes = this.bytes
    if (bytes[at] === 0 && isNilUuid(bytes, at)) this.nil(field)
    return uuidText(bytes, at)
  }

  /** Where a UUID's 16 bytes begin, checked as `uuid` does; 0 after a failure. */
  uuidAt(field: string): number {
    const at = this.at
    if (this.end - at < 16) {
      this.ends(field)
      return 0
    }
    this.at = at + 16
    if (this.bytes[at] === 0 && isNilUuid(this.bytes, at)) this.nil(field)
    return at
  }

  /** A view of `size` bytes, not a copy. */
  fixed(field: string, size: number): Uint8Array {
    if (this.end - this.at < size) {
      this.ends(field)
      return new Uint8Array(size)
    }
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }

  /** A view of at most `maxBytes` bytes, not a copy. */
  sized(field: string, maxBytes: number): Uint8Array {
    const length = this.length(field, maxBytes, 'invalid-value')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** An opaque token of 1 to `maxBytes` bytes, without controls and invisible characters. `repeats`: likely met before. */
  token(field: string, maxBytes: number, repeats: boolean): string {
    const length = this.length(field, maxBytes, 'hostile-id')
    if (length === 0) {
      this.empty(field, maxBytes)
      return ''
    }
    const bytes = this.bytes
    const from = this.at
    let slot = 0
    if (repeats) {
      slot = slotOf(bytes, from, length)
      const known = TOKENS.find(slot, bytes, from, length)
      if (known !== undefined) {
        this.at = from + length
        return known
      }
    }
    for (let i = from, end = from + length; i < end; i++) {
      const byte = bytes[i]
      if (byte < 0x20 || byte > 0x7e) return this.unusualToken(field, length)
    }
    this.at = from + length
    const text = asciiText(bytes, from, length)
    if (repeats) TOKENS.remember(slot, text)
    return text
  }

  /** Where a token's bytes lie, checked as `token` does, at most 255 of them; 0 after a failure. */
  tokenSpan(field: string, maxBytes: number): TokenSpan {
    const length = this.length(field, maxBytes, 'hostile-id')
    if (length === 0) {
      this.empty(field, maxBytes)
      return 0
    }
    const bytes = this.bytes
    const from = this.at
    const end = from + length
    this.at = end
    let strange = 0
    for (let i = from; i < end; i++) strange |= (bytes[i] - 0x20) | (0x7e - bytes[i])
    // Below 0x20 or above 0x7e a difference is negative, and so is then the whole.
    if (strange < 0) {
      this.at = from
      this.unusualToken(field, length)
    }
    return spanAt(from, length)
  }

  /** Any text of at most `maxBytes` bytes of UTF-8. */
  text(field: string, maxBytes: number): string {
    return this.remembered(field, maxBytes, TEXTS, null)
  }

  /** A text of the form given. */
  formatted(field: string, maxBytes: number, format: TextFormat): string {
    return this.remembered(field, maxBytes, FORMATTED[format], format)
  }

  /**
   * Number of items in the next block of an array or map, 0 at its end. `before`: items read so far, which with these may not pass
   * `maxItems`. A block's size in bytes, which may precede it, is read and not relied on.
   */
  block(field: string, before: number, maxItems: number): number {
    let count = this.zigzag(field)
    if (count < 0) {
      count = -count
      const sizeBytes = this.zigzag(field)
      if (sizeBytes < 0 || sizeBytes > this.end - this.at) {
        this.fail('truncated', `${field} has a block of ${sizeBytes} bytes with ${this.end - this.at} left`)
        return 0
      }
    }
    if (count + before > maxItems) {
      this.fail('too-many-items', `${field} has ${count + before} items or more; the limit is ${maxItems}`)
      return 0
    }
    return this.failure === null ? count : 0
  }

  private remembered(field: string, maxBytes: number, table: StringTable, format: TextFormat | null): string {
    const length = this.length(field, maxBytes, 'invalid-value')
    const bytes = this.bytes
    const from = this.at
    this.at = from + length
    const slot = slotOf(bytes, from, length)
    const known = table.find(slot, bytes, from, length)
    if (known !== undefined) return known
    let any = 0
    for (let i = from, end = from + length; i < end; i++) any |= bytes[i]
    const text = any < 0x80 ? asciiText(bytes, from, length) : this.utf8(field, from, length)
    if (format !== null && !hasFormat(format, text)) {
      this.fail('invalid-value', `${field} is ${quoted(text)}; ${describeFormat(format)}`)
      return ''
    }
    if (any < 0x80) table.remember(slot, text)
    return text
  }

  private nil(field: string): void {
    this.fail('missing-id', `${field} is the nil UUID; every event needs an id of its own`)
  }

  private empty(field: string, maxBytes: number): void {
    this.fail('missing-id', `${field} is empty; it is a token of 1 to ${maxBytes} bytes`)
  }

  /** A token with a byte outside printable ASCII. */
  private unusualToken(field: string, length: number): string {
    const from = this.at
    this.at = from + length
    const text = this.utf8(field, from, length)
    if (!isHostile(text)) return text
    this.fail('hostile-id', `${field} is ${quoted(text)}; a token holds no control, invisible or direction-changing characters`)
    return ''
  }

  private utf8(field: string, from: number, length: number): string {
    if (isUtf8(this.bytes.subarray(from, from + length))) return utf8Text(this.bytes, from, length)
    this.fail('invalid-utf8', `${field} is not valid UTF-8`)
    return ''
  }

  /** A length at most `maxBytes` and at most what is left; 0 after a failure. */
  private length(field: string, maxBytes: number, tooLong: QuarantineReason): number {
    const length = this.zigzag(field)
    if (length >= 0 && length <= maxBytes && length <= this.end - this.at) return length
    if (length < 0) this.fail('invalid-value', `${field} has the length ${length}; a length is 0 or more`)
    else if (length > maxBytes) this.fail(tooLong, `${field} has ${length} bytes; the limit is ${maxBytes}`)
    else this.ends(field)
    return 0
  }

  private ends(field: string): void {
    this.fail('truncated', `the record ends within ${field}`)
  }

  /** A zigzag varint of at most 10 bytes; outside ±(2^53 - 1) it is a failure and 0. */
  private zigzag(field: string): number {
    const bytes = this.bytes
    const end = this.end
    let at = this.at
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) {
        this.ends(field)
        return 0
      }
      const byte = bytes[at++]
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return (low >>> 1) ^ -(low & 1)
      }
    }
    let high = 0
    let scale = 1
    for (let i = 0; i < 6; i++) {
      if (at >= end) {
        this.ends(field)
        return 0
      }
      const byte = bytes[at++]
      high += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) {
        if (high >= TWO_26) break
        this.at = at
        const half = high * TWO_27 + (low >>> 1)
        return (low & 1) === 0 ? half : -half - 1
      }
    }
    this.fail('invalid-value', `${field} does not fit into 53 bits`)
    return 0
  }
}
