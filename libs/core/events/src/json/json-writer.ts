import { hasFormat, type TextFormat } from '../text/format'
import type { JsonObject } from './json-check'

const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
/** The digits of a safe integer, its sign, and a comma. */
const MAX_INTEGER_BYTES = 18

const NO_MEMBERS: JsonObject = Object.freeze(Object.create(null) as JsonObject)

/** Each field's name as it stands before its value, `"name":`, in the order of the set. */
export function jsonNames(fields: ReadonlySet<string>): readonly Uint8Array[] {
  return Array.from(fields, (name) => new TextEncoder().encode(`"${name}":`))
}

/**
 * Checks the plain cases of a ledger event and writes their canonical JSON in one pass, without an object or a string of its own: numbers within
 * their bounds, known symbols, printable ASCII that needs no escape. At anything else `end` gives null, whether the event is refused or only
 * unusual: then `JsonCheck` and `schemaOrderedJson` are to say. Behind each value stands a comma, which the end of its list or object overwrites.
 */
export class JsonWriter {
  private bytes = new Uint8Array(16_384)
  private at = 0
  private isPlain = true

  /** Begins an event. */
  begin(): void {
    this.at = 0
    this.isPlain = true
  }

  /** The event's bytes, its own and not a view; null where it was not plain. */
  end(): Uint8Array | null {
    return this.isPlain ? this.bytes.slice(0, this.at - 1) : null
  }

  /** Opens an object that has no members but `fields`, and gives its members. */
  open(value: unknown, fields: ReadonlySet<string>): JsonObject {
    this.byte(0x7b)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.leave(NO_MEMBERS)
    for (const name in value) if (!fields.has(name)) this.isPlain = false
    return value as JsonObject
  }

  close(): void {
    this.closeWith(0x7d)
  }

  /** One of what `jsonNames` made. */
  name(name: Uint8Array): void {
    const length = name.length
    this.reserve(length)
    const { bytes, at } = this
    for (let i = 0; i < length; i++) bytes[at + i] = name[i]
    this.at = at + length
  }

  integer(value: unknown, minimum: number, maximum: number): void {
    if (typeof value !== 'number' || !(value >= minimum && value <= maximum) || Math.floor(value) !== value) return this.leave(undefined)
    this.reserve(MAX_INTEGER_BYTES)
    const { bytes } = this
    if (value < 0) bytes[this.at++] = MINUS
    let rest = Math.abs(value)
    let digits = 1
    for (let power = 10; power <= rest; power *= 10) digits++
    const end = this.at + digits
    // Exact, in this order: a tenth of a safe integer is off by at most 1/16, less than the 1/10 that it lacks at least to the next whole number.
    for (let at = end - 1; digits > 0; digits--) {
      const tenth = Math.floor(rest / 10)
      bytes[at--] = ZERO + (rest - tenth * 10)
      rest = tenth
    }
    bytes[end] = COMMA
    this.at = end + 1
  }

  boolean(value: unknown): void {
    if (typeof value !== 'boolean') return this.leave(undefined)
    const word = value ? 'true,' : 'false,'
    this.reserve(word.length)
    for (let i = 0; i < word.length; i++) this.bytes[this.at++] = word.charCodeAt(i)
  }

  token(value: unknown, maxBytes: number): void {
    if (value === '') this.isPlain = false
    this.text(value, maxBytes)
  }

  text(value: unknown, maxBytes: number): void {
    if (typeof value !== 'string' || value.length > maxBytes) return this.leave(undefined)
    const length = value.length
    this.reserve(length + 3)
    const { bytes } = this
    let at = this.at
    bytes[at++] = QUOTE
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return this.leave(undefined)
      bytes[at++] = code
    }
    bytes[at++] = QUOTE
    bytes[at++] = COMMA
    this.at = at
  }

  formatted(value: unknown, maxBytes: number, format: TextFormat): void {
    if (typeof value !== 'string' || !hasFormat(format, value)) return this.leave(undefined)
    this.text(value, maxBytes)
  }

  /** One of an enum's symbols. */
  symbol(value: unknown, symbols: readonly unknown[]): void {
    if (!symbols.includes(value)) return this.leave(undefined)
    this.text(value, Infinity)
  }

  list(value: unknown, maxItems: number, writeItem: (writer: this, item: unknown) => void): void {
    if (!Array.isArray(value) || value.length > maxItems) return this.leave(undefined)
    const items: readonly unknown[] = value
    this.byte(0x5b)
    for (let i = 0; i < items.length; i++) writeItem(this, items[i])
    this.closeWith(0x5d)
  }

  private closeWith(bracket: number): void {
    if (this.bytes[this.at - 1] === COMMA) this.at--
    this.reserve(2)
    this.bytes[this.at++] = bracket
    this.bytes[this.at++] = COMMA
  }

  private leave<Value>(value: Value): Value {
    this.isPlain = false
    return value
  }

  private byte(byte: number): void {
    this.reserve(1)
    this.bytes[this.at++] = byte
  }

  private reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.grow(count)
  }

  private grow(count: number): void {
    const grown = new Uint8Array(Math.max(this.at + count, this.bytes.length * 2))
    grown.set(this.bytes)
    this.bytes = grown
  }
}
