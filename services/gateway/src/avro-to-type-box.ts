import { Type, type TObject, type TSchema } from '@sinclair/typebox'

type Json = string | readonly Json[] | { readonly [name: string]: unknown }
type Attributes = Readonly<Record<string, unknown>>

/** A schema with a value that it allows. */
interface Typed {
  readonly schema: TSchema
  readonly example: unknown
}

const INT = { minimum: -2_147_483_648, maximum: 2_147_483_647 }
const LONG = { minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
/** Where a field states none: as the checks of events have it. */
const DEFAULT_MAX_BYTES = 128
const DEFAULT_MAX_ITEMS = 64
const UUID = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

/** Forms that a text may have, as the checks of events know them. */
const FORMATS: Readonly<Record<string, { readonly pattern: string; readonly example: string; readonly doc: string }>> = {
  currency: { pattern: '^[A-Z]{3}$', example: 'USD', doc: 'ISO 4217' },
  country: { pattern: '^[A-Z]{2}$', example: 'DE', doc: 'ISO 3166-1 alpha-2' },
  digits: { pattern: '^(?:0|[1-9][0-9]{0,77})$', example: '1500000', doc: 'decimal digits without sign or leading zeros' },
  sha256: { pattern: '^[0-9a-f]{64}$', example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', doc: 'SHA-256' },
  hex16: { pattern: '^[0-9a-f]{32}$', example: '9f86d081884c7d659a2feaa0c55ad015', doc: '16 bytes in hexadecimal digits' },
  uuid: { pattern: UUID, example: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6', doc: 'UUID' },
}

/** Units by the last word of a field's name. */
const UNITS: readonly (readonly [string, string])[] = [
  ['TimeMs', 'milliseconds since 1970, UTC'],
  ['AtMs', 'milliseconds since 1970, UTC'],
  ['Ms', 'milliseconds'],
  ['Minor', 'minor units of the currency'],
  ['Minutes', 'minutes'],
  ['Centidegrees', 'hundredths of a degree'],
  ['BasisPoints', 'basis points'],
]

/**
 * The JSON form of a raw event's Avro schema as TypeBox: descriptions, units, limits and an example that the schema allows. Enums read `-` for
 * Avro's `_`, ids are UUIDs in text, optionals may be left out or null, and no other members are taken. Limits in bytes become limits in characters,
 * which is never stricter. Throws `TypeError` for what the events' schemas do not use.
 */
export function avroToTypeBox(record: Attributes): TObject {
  const { schema } = recordOf(record, new Map())
  return schema as TObject
}

function recordOf(record: Attributes, named: Map<string, Typed>): Typed {
  const members: Record<string, TSchema> = {}
  const example: Record<string, unknown> = {}
  for (const field of record['fields'] as readonly Attributes[]) {
    const name = String(field['name'])
    const typed = typeOf(field['type'] as Json, field, named)
    example[name] = typed.example
    const unit = UNITS.find(([ending]) => name.endsWith(ending))?.[1]
    const described = {
      ...typed.schema,
      description: [field['doc'], ...(typeof field['rule'] === 'string' ? [`Rule: ${field['rule']}.`] : [])].join(' '),
      ...(unit === undefined ? {} : { 'x-unit': unit }),
      examples: [typed.example],
    } as TSchema
    members[name] = isOptional(field['type'] as Json) ? Type.Optional(described) : described
  }
  const title = String(record['name'])
  return {
    schema: Type.Object(members, { additionalProperties: false, title, description: String(record['doc']), examples: [example] }),
    example,
  }
}

function typeOf(type: Json, bounds: Attributes, named: Map<string, Typed>): Typed {
  if (typeof type === 'string') return plainOf(type, bounds, named)
  if (Array.isArray(type)) {
    if (!isOptional(type)) throw new TypeError(`a union is [null, X], not ${JSON.stringify(type)}`)
    const { schema, example } = typeOf((type as readonly Json[])[1], bounds, named)
    return { schema: Type.Union([schema, Type.Null()]), example }
  }
  const given = type as Attributes
  const maxItems = numberOr(bounds['maxItems'], DEFAULT_MAX_ITEMS)
  switch (given['type']) {
    case 'enum': {
      const symbols = (given['symbols'] as readonly string[]).map((symbol) => symbol.replaceAll('_', '-'))
      return remember(given, named, { schema: Type.Unsafe({ type: 'string', enum: symbols }), example: symbols[0] })
    }
    case 'fixed':
      if (given['logicalType'] !== 'uuid') throw new TypeError(`the fixed type ${String(given['name'])} is not supported`)
      return remember(given, named, { schema: Type.String({ format: 'uuid', pattern: UUID }), example: FORMATS['uuid'].example })
    case 'array': {
      const items = typeOf(given['items'] as Json, bounds, named)
      return { schema: Type.Array(items.schema, { maxItems }), example: [items.example] }
    }
    case 'map': {
      const values = typeOf(given['values'] as Json, bounds, named)
      const schema = Type.Unsafe({ type: 'object', additionalProperties: values.schema, maxProperties: maxItems })
      return { schema, example: { 'a-name': values.example } }
    }
    default:
      return plainOf(String(given['type']), { ...bounds, logicalType: given['logicalType'] }, named)
  }
}

function plainOf(name: string, bounds: Attributes, named: Map<string, Typed>): Typed {
  switch (name) {
    case 'boolean':
      return { schema: Type.Boolean(), example: false }
    case 'int':
    case 'long': {
      const range = name === 'int' ? INT : LONG
      const minimum = numberOr(bounds['minimum'], range.minimum)
      const maximum = numberOr(bounds['maximum'], range.maximum)
      const usual = bounds['logicalType'] === 'timestamp-millis' ? 1_778_697_618_000 : 1
      return { schema: Type.Integer({ minimum, maximum }), example: Math.min(maximum, Math.max(minimum, usual)) }
    }
    case 'string':
      return textOf(bounds)
    default: {
      const known = named.get(name)
      if (known === undefined) throw new TypeError(`the type ${name} is not supported`)
      return known
    }
  }
}

function textOf(bounds: Attributes): Typed {
  const maxLength = numberOr(bounds['maxBytes'], DEFAULT_MAX_BYTES)
  if (typeof bounds['format'] === 'string') {
    const format = FORMATS[bounds['format']]
    return { schema: Type.String({ pattern: format.pattern, 'x-format': format.doc }), example: format.example }
  }
  const example = `${String(bounds['name']).toLowerCase()}-1`
  if (bounds['token'] !== true) return { schema: Type.String({ maxLength, 'x-max-bytes': maxLength }), example }
  return { schema: Type.String({ minLength: 1, maxLength, 'x-max-bytes': maxLength }), example }
}

function isOptional(type: Json): boolean {
  return Array.isArray(type) && type.length === 2 && type[0] === 'null'
}

function remember(type: Attributes, named: Map<string, Typed>, typed: Typed): Typed {
  named.set(String(type['name']), typed)
  return typed
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
