/** What the generator knows of a type: an Avro schema with the bounds that its fields state. */
export type Node =
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number; readonly rule: string }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'token'; readonly maxBytes: number; readonly unique: boolean }
  | { readonly kind: 'text'; readonly maxBytes: number }
  | { readonly kind: 'formatted'; readonly maxBytes: number; readonly format: string }
  | { readonly kind: 'bytes'; readonly maxBytes: number }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'uuid' }
  | EnumNode
  | RecordNode
  | { readonly kind: 'array'; readonly items: Node; readonly maxItems: number }
  | { readonly kind: 'map'; readonly items: Node; readonly maxItems: number }
  | { readonly kind: 'optional'; readonly of: Node }
  | { readonly kind: 'either'; readonly branches: readonly Node[] }

/** An enum; symbols as TypeScript and JSON spell them, with `-` for Avro's `_`. */
export interface EnumNode {
  readonly kind: 'enum'
  readonly name: string
  readonly doc: string
  readonly symbols: readonly string[]
}

export interface RecordNode {
  readonly kind: 'record'
  readonly name: string
  readonly doc: string
  readonly fields: readonly FieldNode[]
}

export interface FieldNode {
  readonly name: string
  readonly doc: string
  readonly pii: boolean
  readonly node: Node
}

type Json = string | readonly Json[] | { readonly [name: string]: unknown }
type Bounds = { readonly [name: string]: unknown }

const INT = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }
const LONG = { minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }

/** The record that one schema file states. Throws with the path of what the generator does not support. */
export function readRecord(schema: Bounds): RecordNode {
  const named = new Map<string, Node>()
  const node = readType(schema, {}, named, String(schema['name']))
  if (node.kind !== 'record') throw new Error(`${String(schema['name'])} is no record`)
  return node
}

function readType(schema: Json, bounds: Bounds, named: Map<string, Node>, path: string): Node {
  if (typeof schema === 'string') return readName(schema, bounds, named, path)
  if (Array.isArray(schema)) return readUnion(schema as readonly Json[], bounds, named, path)
  const type = schema as { readonly [name: string]: unknown }
  switch (type['type']) {
    case 'array':
      return { kind: 'array', items: readType(type['items'] as Json, bounds, named, path), maxItems: numberOr(bounds['maxItems'], 64) }
    case 'map':
      return { kind: 'map', items: readType(type['values'] as Json, bounds, named, path), maxItems: numberOr(bounds['maxItems'], 64) }
    case 'enum':
      return remember(type, named, {
        kind: 'enum',
        name: String(type['name']),
        doc: textOr(type['doc'], ''),
        symbols: (type['symbols'] as readonly string[]).map((symbol) => symbol.replaceAll('_', '-')),
      })
    case 'fixed':
      return remember(type, named, type['logicalType'] === 'uuid' ? { kind: 'uuid' } : { kind: 'fixed', size: Number(type['size']) })
    case 'record':
      return remember(type, named, {
        kind: 'record',
        name: String(type['name']),
        doc: textOr(type['doc'], ''),
        fields: (type['fields'] as readonly Bounds[]).map((field) => readField(field, named, path)),
      })
    default:
      return readName(String(type['type']), bounds, named, path)
  }
}

function readField(field: Bounds, named: Map<string, Node>, path: string): FieldNode {
  const name = String(field['name'])
  const node = readType(field['type'] as Json, field, named, `${path}.${name}`)
  const pii = field['pii'] === true
  if (pii && node.kind !== 'optional') throw new Error(`${path}.${name} is pii and not optional: erasing it would break the record`)
  if (typeof field['doc'] !== 'string') throw new Error(`${path}.${name} has no doc`)
  return { name, doc: field['doc'], pii, node }
}

function readName(name: string, bounds: Bounds, named: Map<string, Node>, path: string): Node {
  const maxBytes = numberOr(bounds['maxBytes'], 128)
  switch (name) {
    case 'int':
    case 'long': {
      const range = name === 'int' ? INT : LONG
      const rule = typeof bounds['rule'] === 'string' ? bounds['rule'] : ''
      return {
        kind: 'integer',
        minimum: numberOr(bounds['minimum'], range.minimum),
        maximum: numberOr(bounds['maximum'], range.maximum),
        rule,
      }
    }
    case 'boolean':
      return { kind: 'boolean' }
    case 'bytes':
      return { kind: 'bytes', maxBytes }
    case 'string':
      if (typeof bounds['format'] === 'string') return { kind: 'formatted', maxBytes, format: bounds['format'] }
      return bounds['token'] === true ? { kind: 'token', maxBytes, unique: bounds['unique'] === true } : { kind: 'text', maxBytes }
    default: {
      const known = named.get(name)
      if (known === undefined) throw new Error(`${path}: the type ${name} is not supported; numbers with a fraction never are`)
      return known
    }
  }
}

function readUnion(branches: readonly Json[], bounds: Bounds, named: Map<string, Node>, path: string): Node {
  if (branches[0] === 'null' && branches.length === 2) return { kind: 'optional', of: readType(branches[1], bounds, named, path) }
  const nodes = branches.map((branch) => readType(branch, bounds, named, path))
  if (nodes.length !== 2 || nodes[0].kind !== 'bytes' || nodes[1].kind !== 'record')
    throw new Error(`${path}: a union is [null, X] or [bytes, record]`)
  return { kind: 'either', branches: nodes }
}

function remember(type: Bounds, named: Map<string, Node>, node: Node): Node {
  named.set(String(type['name']), node)
  return node
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
