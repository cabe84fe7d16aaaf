import { RiskError } from '@riskledger/contracts'
import { describeFormat, hasFormat, type TextFormat } from '../text/format'
import { hasLoneSurrogate, isHostile, quoted } from '../text/token'
import { isNilUuid, writeUuid } from '../text/uuid'
import { MAX_LONG_BYTES, writeLong } from './zigzag'

const textEncoder = new TextEncoder()

/**
 * Writes Avro's binary encoding (Avro 1.11 specification, "Binary encoding") and holds every value to its schema's bounds while it does:
 * a value outside them throws `RiskError` `input-rejected` that names the field. What does not fit into the target grows it, or, if it
 * is not growable, throws `RiskError` `record-too-large`.
 */
export class AvroWriter {
  /** The target; another array after it grew. */
  bytes: Uint8Array
  /** Where the next byte goes. */
  at = 0
  private readonly maxBytes: number

  /** Writes into `target` from its start; grows it, by copying, up to `maxBytes` (default: not at all). */
  constructor(target: Uint8Array, maxBytes = target.length) {
    this.bytes = target
    this.maxBytes = maxBytes
  }

  /** Goes on in another target. */
  reset(target: Uint8Array, at: number): void {
    this.bytes = target
    this.at = at
  }

  /** Throws `input-rejected` with the field and what is wrong with it. */
  reject(field: string, problem: string): never {
    throw new RiskError('input-rejected', `${field} ${problem}`, { retriable: false, context: { field } })
  }

  integer(field: string, value: number, minimum: number, maximum: number): void {
    if (!(value >= minimum && value <= maximum) || Math.floor(value) !== value) {
      this.reject(field, `is ${String(value)}; it is a whole number from ${minimum} to ${maximum}`)
    }
    this.zigzag(value)
  }

  boolean(field: string, value: boolean): void {
    if (typeof value !== 'boolean') this.reject(field, `is ${String(value)}; it is true or false`)
    this.reserve(1)
    this.bytes[this.at++] = value ? 1 : 0
  }

  /** A union's branch, below 64. */
  branch(index: number): void {
    this.reserve(1)
    this.bytes[this.at++] = index << 1
  }

  /** An enum's symbol; -1 stands for a symbol that the schema does not know. */
  index(field: string, index: number, value: unknown): void {
    if (index < 0) this.reject(field, `is ${quoted(String(value))}, which its schema does not know`)
    this.zigzag(index)
  }

  uuid(field: string, value: string): void {
    this.reserve(16)
    if (typeof value !== 'string' || !writeUuid(value, this.bytes, this.at))
      this.reject(field, `is ${quoted(String(value))}; it is a UUID of 36 characters`)
    if (isNilUuid(this.bytes, this.at)) this.reject(field, 'is the nil UUID; every event needs an id of its own')
    this.at += 16
  }

  fixed(field: string, value: Uint8Array, size: number): void {
    if (value.length !== size) this.reject(field, `has ${value.length} bytes; it has ${size}`)
    this.raw(value)
  }

  sized(field: string, value: Uint8Array, maxBytes: number): void {
    if (value.length > maxBytes) this.reject(field, `has ${value.length} bytes; the limit is ${maxBytes}`)
    this.zigzag(value.length)
    this.raw(value)
  }

  /** A token: 1 to `maxBytes` bytes, no controls, no invisible characters. */
  token(field: string, value: string, maxBytes: number): void {
    if (typeof value !== 'string') this.reject(field, `is ${String(value)}; it is a text`)
    if (value.length === 0) this.reject(field, `is empty; it is a token of 1 to ${maxBytes} bytes`)
    if (!this.printableAscii(value, maxBytes)) {
      if (isHostile(value)) this.reject(field, `is ${quoted(value)}; a token holds no control, invisible or direction-changing characters`)
      this.utf8(field, value, maxBytes)
    }
  }

  text(field: string, value: string, maxBytes: number): void {
    if (typeof value !== 'string') this.reject(field, `is ${String(value)}; it is a text`)
    if (!this.printableAscii(value, maxBytes)) this.utf8(field, value, maxBytes)
  }

  formatted(field: string, value: string, maxBytes: number, format: TextFormat): void {
    if (typeof value !== 'string' || !hasFormat(format, value)) this.reject(field, `is ${quoted(String(value))}; ${describeFormat(format)}`)
    this.text(field, value, maxBytes)
  }

  /** Starts the one block of an array or map with items; `blockEnd` ends it. */
  block(field: string, items: number, maxItems: number): void {
    if (items > maxItems) this.reject(field, `has ${items} items; the limit is ${maxItems}`)
    if (items > 0) this.zigzag(items)
  }

  blockEnd(): void {
    this.reserve(1)
    this.bytes[this.at++] = 0
  }

  /** Length and bytes of a text of printable ASCII; false, with nothing written, if it is anything else or longer than `maxBytes`. */
  private printableAscii(value: string, maxBytes: number): boolean {
    const length = value.length
    if (length > maxBytes) return false
    this.reserve(length + 10)
    const bytes = this.bytes
    const start = this.at
    let at = start
    if (length < 64) bytes[at++] = length << 1
    else {
      this.zigzag(length)
      at = this.at
    }
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code < 0x20 || code > 0x7e) {
        this.at = start
        return false
      }
      bytes[at++] = code
    }
    this.at = at
    return true
  }

  private utf8(field: string, value: string, maxBytes: number): void {
    if (hasLoneSurrogate(value)) this.reject(field, `is ${quoted(value)}, which holds half of a surrogate pair; UTF-8 has no place for it`)
    const encoded = textEncoder.encode(value)
    if (encoded.length > maxBytes) this.reject(field, `has ${encoded.length} bytes; the limit is ${maxBytes}`)
    this.zigzag(encoded.length)
    this.raw(encoded)
  }

  private raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  private zigzag(value: number): void {
    this.reserve(MAX_LONG_BYTES)
    this.at = writeLong(this.bytes, this.at, value)
  }

  private reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.grow(count)
  }

  private grow(count: number): void {
    const needed = this.at + count
    if (needed > this.maxBytes) {
      throw new RiskError('record-too-large', `the encoding passes ${this.maxBytes} bytes`, {
        retriable: false,
        context: { maxBytes: this.maxBytes },
      })
    }
    const grown = new Uint8Array(Math.min(this.maxBytes, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes)
    this.bytes = grown
  }
}
