import avro from 'avsc'
import { fetchReferenced, fetchSchema, type RegisteredSchema, type SchemaReference, type SchemaRegistryOptions } from './schema-registry'

const AVRO = 'AVRO'
/** Schemas that one may use, those that these use included; a schema with more counts as no Avro. */
const MAX_REFERENCES = 100

/**
 * The parsing canonical form of a registered schema, with the types of the schemas that it refers to in their places; null for one that is no Avro, undefined
 * for an id that the registry does not have. Throws `log-unavailable` (retriable) where the registry says neither, and once `signal` is aborted.
 */
export async function canonicalFormOf(options: SchemaRegistryOptions, id: number, signal: AbortSignal): Promise<string | null | undefined> {
  const found = await fetchSchema(options, id, signal)
  if (found === undefined) return undefined
  if ((found.schemaType ?? AVRO) !== AVRO) return null
  const used = await referencedBy(found, (reference) => fetchReferenced(options, reference, signal))
  return used === null ? null : formOf([...used, found])
}

/** The schemas that one uses, each behind those that it uses itself; null where they are too many. */
async function referencedBy(
  schema: RegisteredSchema,
  fetchOne: (reference: SchemaReference) => Promise<RegisteredSchema>,
): Promise<readonly RegisteredSchema[] | null> {
  const seen = new Set<string>()
  const used: RegisteredSchema[] = []
  const visit = async ({ references }: RegisteredSchema): Promise<void> => {
    for (const reference of references ?? []) {
      const name = `${reference.subject} ${reference.version}`
      if (seen.has(name) || seen.size > MAX_REFERENCES) continue
      seen.add(name)
      const found = await fetchOne(reference)
      await visit(found)
      used.push(found)
    }
  }
  await visit(schema)
  return seen.size > MAX_REFERENCES ? null : used
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
