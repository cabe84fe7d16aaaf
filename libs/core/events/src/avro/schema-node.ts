import type { AvroSchema } from './parsing-canonical-form'

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const

type PrimitiveName = (typeof PRIMITIVES)[number]

/** A schema as the rules of resolution need it. */
export type SchemaNode =
  | { readonly kind: 'primitive'; readonly name: PrimitiveName }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[]; readonly default: string | undefined }
  | { readonly kind: 'record'; readonly name: string; readonly fields: readonly SchemaField[] }
  | { readonly kind: 'array'; readonly items: SchemaNode }
  | { readonly kind: 'map'; readonly items: SchemaNode }
  | { readonly kind: 'union'; readonly branches: readonly SchemaNode[] }

/** A field of a record. */
export interface SchemaField {
  readonly name: string
  readonly node: SchemaNode
  /** Everything else that the schema says of it: `default`, limits, marks. */
  readonly attributes: Attributes
}

type Attributes = { readonly [attribute: string]: unknown }

/**
 * Reads a schema, names made full. Throws for what no schema of ours is: an unknown type, a name used before it is defined (so that a schema that
 * contains itself is refused, too: its values would have no bound).
 */
export function readSchemaNode(schema: AvroSchema): SchemaNode {
  return readNode(schema, { namespace: '', named: new Map() })
}

interface Scope {
  readonly namespace: string
  readonly named: Map<string, SchemaNode>
}

function readNode(schema: AvroSchema, scope: Scope): SchemaNode {
  if (typeof schema === 'string') return readName(schema, scope)
  if (isUnion(schema)) return { kind: 'union', branches: schema.map((branch) => readNode(branch, scope)) }
  const type = schema['type']
  if (type === 'array') return { kind: 'array', items: readNode(schema['items'] as AvroSchema, scope) }
  if (type === 'map') return { kind: 'map', items: readNode(schema['values'] as AvroSchema, scope) }
  if (type !== 'record' && type !== 'enum' && type !== 'fixed') return readNode(type as AvroSchema, scope)
  const namespace = typeof schema['namespace'] === 'string' ? schema['namespace'] : scope.namespace
  const name = fullName(schema['name'] as string, namespace)
  const node = readNamed(type, schema, { name, scope: { namespace, named: scope.named } })
  scope.named.set(name, node)
  return node
}

function readNamed(
  type: 'record' | 'enum' | 'fixed',
  schema: Attributes,
  { name, scope }: { readonly name: string; readonly scope: Scope },
): SchemaNode {
  if (type === 'fixed') return { kind: 'fixed', name, size: schema['size'] as number }
  if (type === 'enum')
    return { kind: 'enum', name, symbols: schema['symbols'] as readonly string[], default: schema['default'] as string | undefined }
  const fields = (schema['fields'] as readonly Attributes[]).map(({ name: field, type: fieldType, ...attributes }) => ({
    name: field as string,
    node: readNode(fieldType as AvroSchema, scope),
    attributes,
  }))
  return { kind: 'record', name, fields }
}

function readName(name: string, { namespace, named }: Scope): SchemaNode {
  if ((PRIMITIVES as readonly string[]).includes(name)) return { kind: 'primitive', name: name as PrimitiveName }
  const node = named.get(fullName(name, namespace))
  if (node === undefined) throw new Error(`the type ${name} is not defined before it is used`)
  return node
}

function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema)
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

/** A type in a few words, for messages. */
export function describeNode(node: SchemaNode): string {
  switch (node.kind) {
    case 'primitive':
      return node.name
    case 'fixed':
      return `fixed ${node.name} of ${node.size} bytes`
    case 'enum':
    case 'record':
      return `${node.kind} ${node.name}`
    case 'array':
    case 'map':
      return `${node.kind} of ${describeNode(node.items)}`
    case 'union':
      return `union of ${node.branches.map(describeNode).join(', ')}`
  }
}
