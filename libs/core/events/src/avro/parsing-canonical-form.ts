const PRIMITIVES: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

/** What a schema is in JSON: a name, a union, or an object. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [attribute: string]: unknown }

/**
 * The parsing canonical form of a schema (Avro 1.11 specification, "Parsing Canonical Form for Schemas"): what a reader needs to know and
 * nothing else, in one spelling, so that a hash of it names the schema. `namespace` is the enclosing one.
 */
export function parsingCanonicalForm(schema: AvroSchema, namespace = ''): string {
  if (typeof schema === 'string') return JSON.stringify(PRIMITIVES.has(schema) ? schema : fullName(schema, namespace))
  if (isUnion(schema)) return `[${schema.map((branch) => parsingCanonicalForm(branch, namespace)).join(',')}]`
  const type = schema['type']
  if (typeof type !== 'string') return parsingCanonicalForm(type as AvroSchema, namespace)
  if (type === 'array') return `{"type":"array","items":${parsingCanonicalForm(schema['items'] as AvroSchema, namespace)}}`
  if (type === 'map') return `{"type":"map","values":${parsingCanonicalForm(schema['values'] as AvroSchema, namespace)}}`
  if (type !== 'record' && type !== 'enum' && type !== 'fixed') return parsingCanonicalForm(type, namespace)
  const own = typeof schema['namespace'] === 'string' ? schema['namespace'] : namespace
  const name = fullName(schema['name'] as string, own)
  const inner = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : ''
  const head = `{"name":${JSON.stringify(name)},"type":"${type}"`
  if (type === 'fixed') return `${head},"size":${String(schema['size'])}}`
  if (type === 'enum') return `${head},"symbols":${JSON.stringify(schema['symbols'])}}`
  const fields = (schema['fields'] as readonly { readonly name: string; readonly type: AvroSchema }[]).map(
    (field) => `{"name":${JSON.stringify(field.name)},"type":${parsingCanonicalForm(field.type, inner)}}`,
  )
  return `${head},"fields":[${fields.join(',')}]}`
}

function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema)
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}
