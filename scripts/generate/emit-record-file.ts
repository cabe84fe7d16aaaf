import { emitCodec } from './emit-codec'
import { emitJsonWriter } from './emit-json-writer'
import { emitEnum, emitRecordTypes } from './emit-types'
import { emitValidator } from './emit-validator'
import { emitView } from './emit-view'
import type { EnumNode, Node, RecordNode } from './model'
import { lowerFirst, tableName } from './names'
import type { SchemaFile } from './read-schemas'

/** Every record within a type, inner ones first, each once. */
function recordsOf(node: Node, found: RecordNode[] = []): readonly RecordNode[] {
  for (const inner of innerNodes(node)) recordsOf(inner, found)
  if (node.kind === 'record' && !found.some((record) => record.name === node.name)) found.push(node)
  return found
}

function enumsOf(node: Node, found: EnumNode[] = []): readonly EnumNode[] {
  for (const inner of innerNodes(node)) enumsOf(inner, found)
  if (node.kind === 'enum' && !found.some((known) => known.name === node.name)) found.push(node)
  return found
}

function innerNodes(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'record':
      return node.fields.map((field) => field.node)
    case 'array':
    case 'map':
      return [node.items]
    case 'optional':
      return [node.of]
    case 'either':
      return node.branches
    default:
      return []
  }
}

/** Every enum of every schema, once; throws if two schemas disagree about one. */
export function emitEnums(schemas: readonly SchemaFile[]): string {
  const known = new Map<string, EnumNode>()
  for (const found of schemas.flatMap((schema) => enumsOf(schema.record))) {
    const other = known.get(found.name)
    if (other !== undefined && other.symbols.join() !== found.symbols.join()) throw new Error(`two enums are called ${found.name}`)
    known.set(found.name, other ?? found)
  }
  return [...known.values()].map(emitEnum).join('\n')
}

/** Types, codec, view, validator and writer of JSON of one schema. */
export function emitRecordFile(schema: SchemaFile): string {
  const records = recordsOf(schema.record)
  const parts = records.map(emitRecordTypes)
  if (schema.encoding !== 'json') parts.push(...records.map(emitCodec))
  if (schema.kind === 'raw') parts.push(emitView(schema.record))
  if (schema.encoding !== 'avro') parts.push(...records.map((record) => emitValidator(record, { isRoot: record === schema.record })))
  if (schema.encoding === 'json') parts.push(...records.map((record) => emitJsonWriter(record, { isRoot: record === schema.record })))
  const body = parts.join('\n')
  return `${emitImports(body, enumsOf(schema.record))}\n${body}`
}

function emitImports(body: string, enums: readonly EnumNode[]): string {
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(body)
  const line = (names: readonly string[], from: string): string => {
    const used = names.filter((name) => uses(name.replace(/^type /, '')))
    return used.length === 0 ? '' : `import { ${used.join(', ')} } from '${from}'\n`
  }
  return (
    line(['type AvroReader'], '../avro/avro-reader') +
    line(['type AvroWriter'], '../avro/avro-writer') +
    line(['NO_BYTES', 'type RawView'], '../avro/raw-view') +
    line(['spanText'], '../avro/token-span') +
    line(['readList', 'readMap', 'writeList', 'writeMap'], '../avro/collections') +
    line(['JsonCheck'], '../json/json-check') +
    line(['jsonNames', 'type JsonWriter'], '../json/json-writer') +
    line(['uuidText'], '../text/uuid') +
    line(['type Validation'], '../json/problem') +
    line(
      enums.flatMap((node) => [`type ${node.name}`, tableName(node.name), `${lowerFirst(node.name)}Index`]),
      './enums',
    )
  )
}
