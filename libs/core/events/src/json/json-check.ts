import { describeFormat, hasFormat, type TextFormat } from '../text/format'
import { hasLoneSurrogate, isHostile, quoted } from '../text/token'
import { HEX_OF_BYTE } from '../text/hex'
import { isNilUuid, uuidText, writeUuid } from '../text/uuid'
import type { Problem, ProblemCode, Validation } from './problem'

/** An object of JSON whose members have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

const MAX_PROBLEMS = 20
const NO_MEMBERS: JsonObject = Object.freeze(Object.create(null) as JsonObject)
const uuidScratch = new Uint8Array(16)

/**
 * Turns members of a JSON object into the fields of an event and collects what is wrong with them, at most 20 problems. Each method
 * gives a harmless filler for what it finds wrong, so one pass names every mistake; the event counts only if `problems` stayed empty.
 */
export class JsonCheck {
  readonly problems: Problem[] = []
  private path = ''

  /** The outcome once every field was read. */
  outcome<Event>(event: Event): Validation<Event> {
    return this.problems.length === 0 ? { kind: 'accepted', event } : { kind: 'rejected', problems: this.problems }
  }

  /** The value as an object that has no members but `fields`; any other value is a problem. */
  members(value: unknown, field: string, what: string, fields: ReadonlySet<string>): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrongType(value, field, `an object with the fields of ${what}`)
      return NO_MEMBERS
    }
    for (const name in value) {
      if (!fields.has(name))
        this.add(joined(field, name), 'unknown-field', `${quoted(name)} is no field of ${what}; ${nearest(name, fields)}`)
    }
    return value as JsonObject
  }

  /** Reads the members of an object inside the object: their problems carry its path. */
  within<Value>(field: string, read: () => Value): Value {
    const outer = this.path
    this.path = joined(outer, field)
    const value = read()
    this.path = outer
    return value
  }

  integer(value: unknown, field: string, minimum: number, maximum: number, rule: string): number {
    if (typeof value === 'number' && value >= minimum && value <= maximum && Math.floor(value) === value) return value === 0 ? 0 : value
    if (typeof value !== 'number') this.wrongType(value, field, 'a whole number')
    else if (Math.floor(value) !== value)
      this.add(field, 'wrong-type', `${field} is ${value}; it is a whole number, in the unit that its name says`)
    else this.add(field, 'out-of-range', `${field} is ${value}; ${rule === '' ? `it is from ${minimum} to ${maximum}` : rule}`)
    return minimum
  }

  boolean(value: unknown, field: string): boolean {
    if (typeof value !== 'boolean') this.wrongType(value, field, 'true or false')
    return value === true
  }

  /** One of an enum's symbols. */
  symbol<Symbol extends string>(value: unknown, field: string, symbols: readonly Symbol[]): Symbol {
    const known = symbols as readonly unknown[]
    const index = known.indexOf(value)
    if (index >= 0) return symbols[index]
    if (typeof value !== 'string') this.wrongType(value, field, `one of ${symbols.join(', ')}`)
    else this.add(field, 'unknown-symbol', `${field} is ${quoted(value)}; it is one of ${symbols.join(', ')}`)
    return symbols[0]
  }

  /** A UUID, in either case, as 36 lowercase characters. */
  uuid(value: unknown, field: string): string {
    if (typeof value !== 'string') {
      this.wrongType(value, field, 'a UUID')
      return ''
    }
    if (!writeUuid(value, uuidScratch, 0)) {
      const code = value === '' ? 'empty' : 'invalid-uuid'
      this.add(field, code, `${field} is ${quoted(value)}; it is a UUID such as 0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6`)
    } else if (isNilUuid(uuidScratch, 0)) {
      this.add(field, 'empty', `${field} is the nil UUID; every event needs an id of its own`)
    }
    return uuidText(uuidScratch, 0)
  }

  token(value: unknown, field: string, maxBytes: number): string {
    if (typeof value === 'string' && value.length === 0) {
      this.add(field, 'empty', `${field} is empty; it is a token of 1 to ${maxBytes} bytes`)
      return ''
    }
    if (typeof value !== 'string' || isPrintableAscii(value, maxBytes)) return this.text(value, field, maxBytes)
    if (isHostile(value)) {
      this.add(field, 'hostile-text', `${field} is ${quoted(value)}; a token holds no control, invisible or direction-changing characters`)
      return ''
    }
    if (utf8Length(value) > maxBytes) {
      this.add(field, 'hostile-text', `${field} has ${utf8Length(value)} bytes; the limit is ${maxBytes}`)
      return ''
    }
    return value
  }

  text(value: unknown, field: string, maxBytes: number): string {
    if (typeof value !== 'string') {
      this.wrongType(value, field, 'a text')
      return ''
    }
    if (isPrintableAscii(value, maxBytes)) return value
    if (hasLoneSurrogate(value)) this.add(field, 'invalid-text', `${field} is ${quoted(value)}, which holds half of a surrogate pair`)
    else if (utf8Length(value) > maxBytes) this.add(field, 'too-long', `${field} has ${utf8Length(value)} bytes; the limit is ${maxBytes}`)
    return value
  }

  formatted(value: unknown, field: string, maxBytes: number, format: TextFormat): string {
    const text = this.text(value, field, maxBytes)
    if (typeof value === 'string' && !hasFormat(format, text))
      this.add(field, 'invalid-format', `${field} is ${quoted(text)}; ${describeFormat(format)}`)
    return text
  }

  /** Bytes, which JSON holds as lowercase hexadecimal digits. */
  bytes(value: unknown, field: string, minBytes: number, maxBytes: number): Uint8Array {
    if (value instanceof Uint8Array) return value
    if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(value)) {
      this.add(field, 'wrong-type', `${field} is not bytes in lowercase hexadecimal digits`)
      return new Uint8Array(0)
    }
    const length = value.length / 2
    if (length < minBytes || length > maxBytes)
      this.add(field, 'too-long', `${field} has ${length} bytes; it has ${minBytes} to ${maxBytes}`)
    return Uint8Array.from({ length }, (_, i) => HEX_OF_BYTE.indexOf(value.slice(2 * i, 2 * i + 2)))
  }

  list<Item>(value: unknown, field: string, maxItems: number, read: (item: unknown, field: string) => Item): readonly Item[] {
    if (!Array.isArray(value)) {
      this.wrongType(value, field, 'a list')
      return []
    }
    if (value.length > maxItems) {
      this.add(field, 'too-many-items', `${field} has ${value.length} items; the limit is ${maxItems}`)
      return []
    }
    return value.map((item: unknown, index) => read(item, `${field}[${index}]`))
  }

  map<Item>(value: unknown, field: string, maxItems: number, read: (item: unknown, field: string) => Item): Readonly<Record<string, Item>> {
    const result = Object.create(null) as Record<string, Item>
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrongType(value, field, 'an object of names and values')
      return result
    }
    const entries = Object.entries(value)
    if (entries.length > maxItems) {
      this.add(field, 'too-many-items', `${field} has ${entries.length} items; the limit is ${maxItems}`)
      return result
    }
    if (Object.hasOwn(value, '__proto__')) this.add(field, 'hostile-text', `${field} holds the name __proto__, which no map may hold`)
    for (const [name, item] of entries) result[this.token(name, `${field}.${quoted(name)}`, 128)] = read(item, `${field}.${quoted(name)}`)
    return result
  }

  private wrongType(value: unknown, field: string, expected: string): void {
    if (value === undefined || value === null) {
      this.add(field, 'missing', field === '' ? `there is nothing; it is ${expected}` : `${field} is missing; it is ${expected}`)
    } else {
      this.add(field, 'wrong-type', `${field === '' ? 'the event' : field} is ${describeJsonValue(value)}; it is ${expected}`)
    }
  }

  private add(field: string, code: ProblemCode, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return
    this.problems.push({ field: joined(this.path, field), code, message: this.path === '' ? message : `${this.path}: ${message}` })
  }
}

/** What a value is, as an error message may say it. A list or an object is not printed: printing recurses, and a stranger chooses how deep it is. */
export function describeJsonValue(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return `the ${typeof value} ${quoted(typeof value === 'string' ? value : canBeShown(value))}`
}

function canBeShown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : typeof value
}

function isPrintableAscii(value: string, maxBytes: number): boolean {
  if (value.length > maxBytes) return false
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

function utf8Length(value: string): number {
  return Buffer.byteLength(value, 'utf8')
}

function joined(path: string, field: string): string {
  return path === '' || field === '' ? path + field : `${path}.${field}`
}

/** Names the field that was likely meant: the one that differs in case or by a prefix, else all of them are named by the schema. */
function nearest(name: string, fields: ReadonlySet<string>): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  for (const field of fields) {
    const candidate = field.toLowerCase()
    if (plain !== '' && (candidate === plain || candidate.startsWith(plain) || plain.startsWith(candidate))) return `did you mean ${field}?`
  }
  return `its fields are ${[...fields].join(', ')}`
}
