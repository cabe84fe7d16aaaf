/** What canonical JSON can hold. Members that are undefined are left out. */
export type CanonicalValue =
  null | boolean | number | string | readonly CanonicalValue[] | { readonly [name: string]: CanonicalValue | undefined }

const textEncoder = new TextEncoder()
const MAX_DEPTH = 64
const HALF_PAIR = /\p{Surrogate}/u

/**
 * The one spelling of a JSON value, in UTF-8, so that a hash of it means something: no spaces, strings escaped as `JSON.stringify` does,
 * numbers only whole and within ±(2^53 - 1). Names stand in the order of their UTF-16 code units (as in RFC 8785); with `keyOrder`, those
 * of the outermost object stand in that order instead, and a name that it lacks is an error.
 * Throws `RangeError` for fractions, unsafe integers, -0, lone surrogates, values that are no JSON, and more than 64 levels.
 */
export function canonicalJson(value: CanonicalValue, keyOrder?: readonly string[]): Uint8Array {
  return textEncoder.encode(canonicalText(value, keyOrder))
}

/** `canonicalJson` as text. */
export function canonicalText(value: CanonicalValue, keyOrder?: readonly string[]): string {
  if (keyOrder === undefined) return print(value, sortedNames, 0)
  return print(value, (object, depth) => (depth === 0 ? orderedNames(object, keyOrder) : sortedNames(object)), 0)
}

/** Canonical JSON of an object whose names already stand in schema order, at every level; members that are null are left out. */
export function schemaOrderedJson(value: object): Uint8Array {
  return textEncoder.encode(print(value as CanonicalValue, presentNames, 0))
}

type JsonObject = { readonly [name: string]: CanonicalValue | undefined }

function print(value: CanonicalValue, namesOf: (object: JsonObject, depth: number) => readonly string[], depth: number): string {
  if (typeof value === 'string') return printText(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0))
      throw new RangeError(`${Object.is(value, -0) ? '-0' : value} has no canonical form; use a whole number below 2^53 with a unit`)
    return String(value)
  }
  if (value === null || typeof value === 'boolean') return String(value)
  if (depth >= MAX_DEPTH) throw new RangeError(`more than ${MAX_DEPTH} levels have no canonical form`)
  if (isList(value)) return `[${value.map((item) => print(item, namesOf, depth + 1)).join(',')}]`
  if (typeof value !== 'object') throw new RangeError(`a ${typeof value} has no canonical form`)
  if (ArrayBuffer.isView(value)) throw new RangeError('bytes have no canonical form; write them as hexadecimal digits')
  const members: string[] = []
  for (const name of namesOf(value, depth)) {
    const member = value[name]
    if (member !== undefined) members.push(`${printText(name)}:${print(member, namesOf, depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

function printText(text: string): string {
  if (HALF_PAIR.test(text)) throw new RangeError(`half of a surrogate pair has no canonical form: ${JSON.stringify(text.slice(0, 80))}`)
  return JSON.stringify(text)
}

function isList(value: CanonicalValue): value is readonly CanonicalValue[] {
  return Array.isArray(value)
}

function sortedNames(object: JsonObject): readonly string[] {
  return Object.keys(object).sort()
}

function presentNames(object: JsonObject): readonly string[] {
  return Object.keys(object).filter((name) => object[name] !== null)
}

function orderedNames(object: JsonObject, keyOrder: readonly string[]): readonly string[] {
  for (const name of Object.keys(object)) {
    if (!keyOrder.includes(name)) throw new RangeError(`${JSON.stringify(name)} has no place in the order ${keyOrder.join(', ')}`)
  }
  return keyOrder.filter((name) => Object.hasOwn(object, name))
}
