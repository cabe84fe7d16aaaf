import avro from 'avsc'
import { fetchReferenced, fetchSchema, type RegisteredSchema, type SchemaReference, type SchemaRegistryOptions } from './schema-registry'

const AVRO = 'AVRO'
/** Schemas that one may use, those that these use included; a schema with more counts as no Avro. */
const MAX_REFERENCES = 100

/**
 * The parsing canonical form of a registered schema, with the types of the schemas that it refers to in their places; null for one that is no Avro, undefined
 * where the registry does not have the id, or a schema that it refers to. Throws `log-unavailable` (retriable) where the registry says neither, and once `signal`
 * is aborted.
 */
export async function canonicalFormOf(
  options: SchemaRegistryOptions,
  id: number,
  signal?: AbortSignal,
): Promise<string | null | undefined> {
  const found = await fetchSchema(options, id, signal)
  if (found === undefined) return undefined
  if ((found.schemaType ?? AVRO) !== AVRO) return null
  const schemas = await withReferenced(found, { seen: new Set(), fetchOne: (reference) => fetchReferenced(options, reference, signal) })
  return schemas && formOf(schemas)
}

/** The schema behind those that it uses, each behind its own; null where they are too many or cannot be followed, undefined where the registry lacks one. */
async function withReferenced(
  schema: RegisteredSchema,
  walk: { readonly seen: Set<string>; readonly fetchOne: (reference: SchemaReference) => Promise<RegisteredSchema | undefined> },
): Promise<readonly RegisteredSchema[] | null | undefined> {
  if (schema.references === null) return null
  const used: RegisteredSchema[] = []
  for (const reference of schema.references) {
    const name = `${reference.subject} ${reference.version}`
    if (walk.seen.has(name)) continue
    if (walk.seen.size === MAX_REFERENCES) return null
    walk.seen.add(name)
    const found = await walk.fetchOne(reference)
    const schemas = found && (await withReferenced(found, walk))
    if (schemas === null || schemas === undefined) return schemas
    used.push(...schemas)
  }
  return [...used, schema]
}

/** The form of the last schema; null where one of them is none of Avro's. */
function formOf(schemas: readonly RegisteredSchema[]): string | null {
  const registry = {}
  try {
    const types = schemas.map(({ schema }) => avro.Type.forSchema(JSON.parse(schema) as avro.Schema, { registry }))
    // What avsc gives for a type is that form.
    return JSON.stringify(types[types.length - 1].schema())
  } catch {
    // Whatever it was refused for, a record of it is none that could be read.
    return null
  }
}
