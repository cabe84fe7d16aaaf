import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'
import { readSchemas, type SchemaFile } from './read-schemas'

/** What resolution between versions needs: the current raw schemas with their defaults, and the released ones that differ from them. */
export function emitRawEvolution(current: readonly SchemaFile[], released: readonly SchemaFile[]): string {
  const readers = current.map(({ subject, schema }) => `'${subject}': ${JSON.stringify(JSON.stringify(bare(schema)))},\n`)
  const currentForms = new Set(current.map(({ canonicalForm }) => canonicalForm))
  const writers = new Map(
    released
      .filter(({ canonicalForm }) => !currentForms.has(canonicalForm))
      .map(({ subject, canonicalForm }) => [canonicalForm, `{ topic: '${subject}', json: ${JSON.stringify(canonicalForm)} },\n`]),
  )
  return (
    `import type { EventTopic } from '@riskledger/contracts'\nimport type { WriterSchema } from '../writer-schemas'\n\n` +
    `/** The schema of each raw topic with its defaults, as the reader's side of a resolution. */\n` +
    `export const RAW_READER_SCHEMAS: Readonly<Record<EventTopic, string>> = {\n${readers.join('')}}\n\n` +
    `/** The released schemas of raw topics that differ from the current ones. */\n` +
    `export const RELEASED_WRITER_SCHEMAS: readonly WriterSchema[] = [${[...writers.values()].join('')}]\n`
  )
}

/** The raw schemas of every released version under the folder. */
export function readReleasedRaw(folder: string): readonly SchemaFile[] {
  return readdirSync(folder).flatMap((version) => readSchemas(join(folder, version)).filter(({ kind }) => kind === 'raw'))
}

/** A schema without what resolution does not look at: documentation and limits. */
function bare(schema: AvroSchema): AvroSchema {
  if (typeof schema === 'string') return schema
  if (Array.isArray(schema)) return schema.map(bare)
  const kept = ['type', 'name', 'namespace', 'symbols', 'size', 'default', 'items', 'values', 'fields']
  const entries = Object.entries(schema as Readonly<Record<string, unknown>>).filter(([attribute]) => kept.includes(attribute))
  return Object.fromEntries(
    entries.map(([attribute, value]) => {
      if (attribute === 'fields') return [attribute, (value as readonly AvroSchema[]).map(bare)]
      return [attribute, ['type', 'items', 'values'].includes(attribute) ? bare(value as AvroSchema) : value]
    }),
  )
}
