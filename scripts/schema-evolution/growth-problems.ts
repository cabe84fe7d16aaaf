import { resolveSchemas, type ResolutionProblem } from '../../libs/core/events/src/avro/resolve-schemas'
import { describeNode, readSchemaNode, type SchemaField, type SchemaNode } from '../../libs/core/events/src/avro/schema-node'
import type { AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'
import { defaultProblem } from './default-problem'
import { logicalTypes } from './logical-types'

/** What a schema states of a record or a field beyond Avro, and what a change of it would mean: values that one side takes and the other refuses. */
const RECORD_MARKS = ['topic', 'encoding'] as const
const FIELD_MARKS = ['minimum', 'maximum', 'maxBytes', 'maxItems', 'format', 'token', 'unique', 'pii'] as const

/**
 * Says what keeps a schema from being a grown version of a released one: FULL_TRANSITIVE compatibility, where each reads what the other writes, and, on top of
 * what Avro asks, nothing removed, renamed, moved or retyped, no limit changed, and every new field's default one that its readers take: within the
 * field's limits and, where the record also has a form in JSON (whose `encoding` is not `avro`), null. One problem a line, beginning with the field; none
 * for a schema that only grew. Avro's part is its own rules (Avro 1.11 specification, "Schema Resolution"), applied both ways.
 */
export function growthProblems(released: AvroSchema, current: AvroSchema): readonly string[] {
  const before = readSchemaNode(released)
  const now = readSchemaNode(current)
  const problems: ResolutionProblem[] = []
  compareMarks({ before: attributesOf(released), now: attributesOf(current), marks: RECORD_MARKS }, { path: '', problems })
  compare(before, now, { path: '', problems, hasJsonForm: attributesOf(current)['encoding'] !== 'avro' })
  compareLogicalTypes(logicalTypes(released), logicalTypes(current), problems)
  const told = new Set(problems.map(({ path }) => path))
  const ways = [
    { what: 'data of the released version cannot be read', resolution: resolveSchemas(before, now) },
    { what: 'the released version cannot read what is written now', resolution: resolveSchemas(now, before) },
  ]
  for (const { what, resolution } of ways) {
    if (resolution.kind === 'resolved') continue
    for (const { path, message } of resolution.problems) if (!told.has(path)) problems.push({ path, message: `${what}: ${message}` })
  }
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
}

interface Told {
  readonly path: string
  readonly problems: ResolutionProblem[]
}

interface Place extends Told {
  /** Whether the record is also read from JSON. */
  readonly hasJsonForm: boolean
}

function compare(before: SchemaNode, now: SchemaNode, place: Place): void {
  const tell = (message: string): void => void place.problems.push({ path: place.path, message })
  if (before.kind !== now.kind) return tell(`was ${describeNode(before)}, is ${describeNode(now)}; a type never changes`)
  switch (before.kind) {
    case 'primitive':
    case 'fixed':
      if (describeNode(before) !== describeNode(now)) tell(`was ${describeNode(before)}, is ${describeNode(now)}; a type never changes`)
      return
    case 'enum':
      return compareEnums(before, now as typeof before, tell)
    case 'array':
    case 'map':
      return compare(before.items, (now as typeof before).items, { ...place, path: `${place.path}[]` })
    case 'union':
      return compareUnions(before, now as typeof before, place)
    case 'record':
      return compareRecords(before, now as typeof before, place)
  }
}

function compareEnums(before: SchemaNode & { kind: 'enum' }, now: SchemaNode & { kind: 'enum' }, tell: (message: string) => void): void {
  if (before.name !== now.name) tell(`was called ${before.name}, is called ${now.name}; nothing is renamed`)
  const gone = before.symbols.filter((symbol) => !now.symbols.includes(symbol))
  if (gone.length > 0) tell(`the symbol ${gone.join(', ')} is gone; nothing is removed`)
  if (before.default !== now.default)
    tell(`the default was ${before.default ?? 'none'}, is ${now.default ?? 'none'}; it is what an unknown symbol is read as, and stays`)
}

function compareUnions(before: SchemaNode & { kind: 'union' }, now: SchemaNode & { kind: 'union' }, place: Place): void {
  if (before.branches.length !== now.branches.length) {
    place.problems.push({ path: place.path, message: `was ${describeNode(before)}, is ${describeNode(now)}; a type never changes` })
    return
  }
  for (const [index, branch] of before.branches.entries()) compare(branch, now.branches[index], place)
}

function compareRecords(before: SchemaNode & { kind: 'record' }, now: SchemaNode & { kind: 'record' }, place: Place): void {
  const { path, problems } = place
  if (before.name !== now.name) problems.push({ path, message: `was called ${before.name}, is called ${now.name}; nothing is renamed` })
  const kept = before.fields.filter((field) => now.fields.some(({ name }) => name === field.name))
  for (const field of before.fields) {
    const at = { ...place, path: pathOf(field, path) }
    const grown = now.fields.find(({ name }) => name === field.name)
    if (grown === undefined) problems.push({ path: at.path, message: 'is gone; a field is never removed or renamed' })
    else compareFields(field, grown, at)
  }
  const order = now.fields.filter((field) => kept.some(({ name }) => name === field.name))
  const moved = order.find((field, index) => field.name !== kept[index].name)
  if (moved !== undefined)
    problems.push({
      path: pathOf(moved, path),
      message: 'stands elsewhere among the released fields; their order is that of the canonical JSON, and stays',
    })
  for (const field of now.fields) {
    if (kept.some(({ name }) => name === field.name)) continue
    const message = defaultProblem(field, place)
    if (message !== null) problems.push({ path: pathOf(field, path), message })
  }
}

function pathOf({ name }: SchemaField, path: string): string {
  return path === '' ? name : `${path}.${name}`
}

function compareFields(before: SchemaField, now: SchemaField, place: Place): void {
  compareMarks({ before: before.attributes, now: now.attributes, marks: FIELD_MARKS }, place)
  const [was, is] = [before, now].map(({ attributes }) => ('default' in attributes ? JSON.stringify(attributes['default']) : 'none'))
  if (was !== is) place.problems.push({ path: place.path, message: `the default was ${was}, is ${is}; a default stays` })
  compare(before.node, now.node, place)
}

interface Marks {
  readonly before: Readonly<Record<string, unknown>>
  readonly now: Readonly<Record<string, unknown>>
  readonly marks: readonly string[]
}

function compareMarks({ before, now, marks }: Marks, { path, problems }: Told): void {
  for (const mark of marks) {
    if (before[mark] === now[mark]) continue
    const [was, is] = [before[mark], now[mark]].map((value) => (value === undefined ? 'none' : JSON.stringify(value)))
    problems.push({ path, message: `${mark} was ${was}, is ${is}; what was allowed stays allowed, and nothing more is` })
  }
}

function compareLogicalTypes(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>, problems: ResolutionProblem[]): void {
  for (const [path, was] of before) {
    const is = now.get(path)
    const isTold = problems.some((problem) => problem.path === path)
    if (is !== undefined && is !== was && !isTold)
      problems.push({ path, message: `logicalType was ${was}, is ${is}; it says what a value means, and stays` })
  }
}

function attributesOf(schema: AvroSchema): Readonly<Record<string, unknown>> {
  return schema as Readonly<Record<string, unknown>>
}
