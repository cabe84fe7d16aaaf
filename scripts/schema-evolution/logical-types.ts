import type { AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'

type Attributes = Readonly<Record<string, unknown>>

/**
 * The `logicalType` of every type in a schema, by its path as the growth check spells it: fields with dots, items with `[]`. Types at one path, as the
 * branches of a union, stand together; where none has a logical type, it is `none`.
 */
export function logicalTypes(schema: AvroSchema): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  collect(schema, { path: '', found, named: new Map() })
  return found
}

interface Place {
  readonly path: string
  readonly found: Map<string, string>
  readonly named: Map<string, Attributes>
}

function collect(schema: AvroSchema, place: Place): void {
  if (Array.isArray(schema)) return schema.forEach((branch: AvroSchema) => collect(branch, place))
  const { path, found, named } = place
  const type: Attributes = typeof schema === 'string' ? (named.get(schema) ?? {}) : (schema as Attributes)
  const others = found.get(path) ?? 'none'
  const logical = type['logicalType']
  if (typeof logical !== 'string') found.set(path, others)
  else found.set(path, others === 'none' ? logical : `${others}, ${logical}`)
  if (typeof type['name'] === 'string') named.set(type['name'], type)
  for (const items of [type['items'], type['values']])
    if (items !== undefined) collect(items as AvroSchema, { ...place, path: `${path}[]` })
  for (const field of (type['fields'] ?? []) as readonly Attributes[]) {
    const name = field['name'] as string
    collect(field['type'] as AvroSchema, { ...place, path: path === '' ? name : `${path}.${name}` })
  }
}
