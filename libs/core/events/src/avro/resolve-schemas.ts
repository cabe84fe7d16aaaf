import { describeDefault, encodeDefault } from './encode-default'
import { blocks, leaf, oneOf, passOver, putLong, type Transcode } from './pass-over'
import { describeNode, type SchemaNode } from './schema-node'

/** Why data of one schema cannot be read by another. */
export interface ResolutionProblem {
  /** Field by field, with dots; empty for the record itself. */
  readonly path: string
  readonly message: string
}

/** How data of a writer's schema becomes data of a reader's, or every reason why it cannot. */
export type Resolution =
  | { readonly kind: 'resolved'; readonly transcode: Transcode }
  | { readonly kind: 'unresolvable'; readonly problems: readonly ResolutionProblem[] }

/**
 * The rules of the Avro 1.11 specification, "Schema Resolution", as a plan that is made once and carried out for each record:
 *
 * - records, enums and fixeds match by the name without its namespace; a fixed by its size, too;
 * - fields match by name, in whatever order; one that only the writer has is passed over; one that only the reader has takes its default, and without a
 *   default nothing can be read;
 * - a symbol that the reader lacks becomes the reader's default symbol; without one, it is an error. Here the error is found when the plan is made, since
 *   a schema that may write such a symbol will;
 * - every branch of a writer's union must be readable, for the same reason; a value goes into the reader's first branch that can read it;
 * - `int` is read as `long`, and `string` and `bytes` as one another. The promotions to `float` and `double` are left out: no schema here has numbers with a
 *   fraction.
 */
export function resolveSchemas(writer: SchemaNode, reader: SchemaNode): Resolution {
  const problems: ResolutionProblem[] = []
  const transcode = plan(writer, reader, { path: '', problems })
  return problems.length === 0 ? { kind: 'resolved', transcode } : { kind: 'unresolvable', problems }
}

interface Place {
  readonly path: string
  readonly problems: ResolutionProblem[]
}

/** What is never carried out: a plan with problems is none. */
const NEVER: Transcode = () => undefined

function plan(writer: SchemaNode, reader: SchemaNode, place: Place): Transcode {
  if (writer.kind === 'union') return planWriterUnion(writer.branches, reader, place)
  if (reader.kind === 'union') return planReaderUnion(writer, reader.branches, place)
  switch (writer.kind) {
    case 'primitive':
      if (reader.kind !== 'primitive' || !isReadAs(writer.name, reader.name)) break
      return leaf(writer, { copies: true })
    case 'fixed':
      if (reader.kind !== 'fixed' || !sameName(writer, reader) || writer.size !== reader.size) break
      return leaf(writer, { copies: true })
    case 'enum':
      if (reader.kind !== 'enum' || !sameName(writer, reader)) break
      return planEnum(writer, reader, place)
    case 'array':
    case 'map':
      if (reader.kind !== writer.kind) break
      return blocks(plan(writer.items, reader.items, { ...place, path: `${place.path}[]` }), { isMap: writer.kind === 'map', copies: true })
    case 'record':
      if (reader.kind !== 'record' || !sameName(writer, reader)) break
      return planRecord(writer, reader, place)
  }
  return refuse(place, `written as ${describeNode(writer)}, cannot be read as ${describeNode(reader)}`)
}

function planRecord(
  writer: SchemaNode & { readonly kind: 'record' },
  reader: SchemaNode & { readonly kind: 'record' },
  place: Place,
): Transcode {
  const passes = writer.fields.map((field) => passOver(field.node))
  const steps = reader.fields.map((field): { readonly from: number; readonly transcode: Transcode } => {
    const at = { ...place, path: place.path === '' ? field.name : `${place.path}.${field.name}` }
    const from = writer.fields.findIndex(({ name }) => name === field.name)
    if (from >= 0) return { from, transcode: plan(writer.fields[from].node, field.node, at) }
    if (!('default' in field.attributes)) return { from, transcode: refuse(at, 'is not written, and the reader has no default for it') }
    const bytes = encodeDefault(field.node, field.attributes['default'])
    if (bytes === null)
      return {
        from,
        transcode: refuse(at, `its default ${JSON.stringify(field.attributes['default'])} is no ${describeDefault(field.node)}`),
      }
    return { from, transcode: (record) => record.put(bytes) }
  })
  return (record) => {
    const starts: number[] = []
    for (const pass of passes) {
      starts.push(record.at)
      pass(record)
    }
    const end = record.at
    for (const { from, transcode } of steps) {
      if (record.failure !== null) return
      if (from >= 0) record.at = starts[from]
      transcode(record)
    }
    if (record.failure === null) record.at = end
  }
}

function planEnum(writer: SchemaNode & { readonly kind: 'enum' }, reader: SchemaNode & { readonly kind: 'enum' }, place: Place): Transcode {
  const otherwise = reader.default === undefined ? -1 : reader.symbols.indexOf(reader.default)
  if (reader.default !== undefined && otherwise < 0) return refuse(place, `its default ${reader.default} is none of its symbols`)
  const indexes = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? reader.symbols.indexOf(symbol) : otherwise))
  const unread = writer.symbols.filter((_, index) => indexes[index] < 0)
  if (unread.length > 0) return refuse(place, `the reader has no symbol ${unread.join(', ')}, and no default for it`)
  return oneOf(
    indexes.map((index) => putLong(index)),
    'unknown-enum',
  )
}

function planWriterUnion(branches: readonly SchemaNode[], reader: SchemaNode, place: Place): Transcode {
  return oneOf(
    branches.map((branch) => plan(branch, reader, place)),
    'invalid-value',
  )
}

function planReaderUnion(writer: SchemaNode, branches: readonly SchemaNode[], place: Place): Transcode {
  for (const [index, branch] of branches.entries()) {
    const problems: ResolutionProblem[] = []
    const transcode = plan(writer, branch, { ...place, problems })
    if (problems.length > 0) {
      // The branch that was meant, by its name: what is wrong lies within it.
      if (nameOf(writer) !== '' && nameOf(writer) === nameOf(branch)) {
        place.problems.push(...problems)
        return NEVER
      }
      continue
    }
    const putBranch = putLong(index)
    return (record) => {
      putBranch(record)
      transcode(record)
    }
  }
  return refuse(place, `written as ${describeNode(writer)}, cannot be read as any branch of ${describeNode({ kind: 'union', branches })}`)
}

function isReadAs(writer: string, reader: string): boolean {
  return (
    writer === reader ||
    (writer === 'int' && reader === 'long') ||
    (writer === 'string' && reader === 'bytes') ||
    (writer === 'bytes' && reader === 'string')
  )
}

function sameName(a: SchemaNode, b: SchemaNode): boolean {
  return nameOf(a) === nameOf(b)
}

/** Without its namespace; empty for what has no name of its own. */
function nameOf(node: SchemaNode): string {
  return node.kind === 'record' || node.kind === 'enum' || node.kind === 'fixed' ? node.name.slice(node.name.lastIndexOf('.') + 1) : ''
}

function refuse({ path, problems }: Place, message: string): Transcode {
  problems.push({ path, message })
  return NEVER
}
