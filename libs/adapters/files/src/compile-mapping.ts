import { encodeRaw, UUID_NAMESPACES } from '@riskledger/events'
import { decimalToUnits } from './decimal'
import { createLocalTimeReader, type LocalTimeReader } from './local-time'
import { type Condition, durationMs, type EventRule, type FieldRule, type Mapping } from './mapping'
import { isInputError } from './ndjson-emitter'
import { createNameUuid } from './name-uuid'
import { compileTemplate } from './row-template'

/** An event made from a row. `value` may be a view into a shared slab: copy what is kept for long. */
export interface MappedEvent {
  readonly topic: EventRule['topic']
  readonly eventTimeMs: number
  readonly accountId: string
  readonly value: Uint8Array
  readonly delayed: boolean
}

/** Turns one row into its events, or says why it gives none. All or nothing. */
export type RowMapper = (row: readonly string[]) => { readonly events: readonly MappedEvent[]; readonly problem: string | null }

/** What field functions share while a row is mapped; the first problem wins. */
interface Context {
  readonly indexOf: (column: string) => number
  readonly times: LocalTimeReader
  problem: string | null
}

type Value = string | number | boolean | null | object
type Field = (row: readonly string[]) => Value

/**
 * Compiles a mapping into one function over the fields of a row, in the order of the mapping's columns. Each rule fills one
 * event object that it uses again for every row. The result is valid until the next call.
 */
export function compileMapping(mapping: Mapping): RowMapper {
  const context: Context = {
    indexOf: (column) => mapping.columns.indexOf(column),
    times: createLocalTimeReader(mapping.timezone),
    problem: null,
  }
  const rules = mapping.events.map((rule) => compileRule(rule, context))
  return (row) => {
    const events: MappedEvent[] = []
    context.problem = null
    for (const rule of rules) {
      const event = rule(row)
      if (event !== undefined) events.push(event)
      if (context.problem !== null) return { events: [], problem: context.problem }
    }
    return { events, problem: events.length === 0 ? `no event of the mapping ${mapping.name} has conditions that this row meets` : null }
  }
}

function compileRule(rule: EventRule, context: Context): (row: readonly string[]) => MappedEvent | undefined {
  const { topic } = rule
  const conditions = (rule.when ?? []).map((condition) => compileCondition(condition, context))
  const delayMs = rule.delay === undefined ? 0 : durationMs(rule.delay)
  const names = Object.keys(rule.fields)
  const fields = names.map((name) => compileField(name, rule.fields[name], context))
  const input = Object.fromEntries(names.map((name) => [name, null])) as Record<string, Value>
  return (row) => {
    for (const holds of conditions) if (!holds(row)) return undefined
    for (let i = 0; i < fields.length; i++) input[names[i]] = fields[i](row)
    if (context.problem !== null) return undefined
    if (delayMs > 0) input.eventTimeMs = (input.eventTimeMs as number) + delayMs
    try {
      const value = encodeRaw(topic, input as never)
      return { topic, eventTimeMs: input.eventTimeMs as number, accountId: input.accountId as string, value, delayed: delayMs > 0 }
    } catch (error) {
      if (!isInputError(error)) throw error
      context.problem = error.message
      return undefined
    }
  }
}

function compileField(name: string, rule: FieldRule, context: Context): Field {
  const fail = (column: string, text: string, rightForm: string): null => {
    context.problem ??= `${column} is ${JSON.stringify(text.slice(0, 80))}; for ${name} it must be ${rightForm}`
    return null
  }
  if ('constant' in rule) return () => rule.constant
  if ('text' in rule) return compileTemplate(rule.text, context.indexOf)
  if ('uuid' in rule) return compileUuid(compileTemplate(rule.uuid, context.indexOf))
  if ('column' in rule) {
    const at = context.indexOf(rule.column)
    if (rule.map === undefined) return (row) => (row[at] === '' ? null : row[at])
    const values = new Map(Object.entries(rule.map))
    return (row) => values.get(row[at]) ?? null
  }
  if ('localTime' in rule) {
    const at = context.indexOf(rule.localTime)
    const plusMs = rule.plus === undefined ? 0 : durationMs(rule.plus)
    return (row) => {
      const ms = context.times.read(row[at])
      return Number.isNaN(ms) ? fail(rule.localTime, row[at], 'a date and time from 1970 on, such as 2018-04-01 00:00:31') : ms + plusMs
    }
  }
  if ('utcOffset' in rule) {
    const at = context.indexOf(rule.utcOffset)
    return (row) => {
      const minutes = context.times.offsetMinutes(row[at])
      return Number.isNaN(minutes) ? fail(rule.utcOffset, row[at], 'a date and time from 1970 on, such as 2018-04-01 00:00:31') : minutes
    }
  }
  const column = 'decimal' in rule ? rule.decimal : rule.integer
  const scale = 'decimal' in rule ? rule.scale : 0
  const { magnitude = false } = rule
  const at = context.indexOf(column)
  const rightForm = scale === 0 ? 'a whole number' : `a decimal number with at most ${scale} places`
  return (row) => {
    const units = decimalToUnits(row[at], scale)
    if (Number.isNaN(units)) return fail(column, row[at], rightForm)
    return magnitude ? Math.abs(units) : units
  }
}

/** UUIDv5 of the filled template under the namespace of imported events. */
function compileUuid(nameOf: (row: readonly string[]) => string): Field {
  const uuidOf = createNameUuid(UUID_NAMESPACES.importedEvent)
  return (row) => uuidOf(nameOf(row))
}

function compileCondition(condition: Condition, context: Context): (row: readonly string[]) => boolean {
  const at = context.indexOf(condition.column)
  const { equals, notEquals, startsWith, notStartsWith, greaterThan, atLeast, lessThan, atMost } = condition
  const tests: ((text: string) => boolean)[] = []
  if (equals !== undefined) tests.push((text) => text === String(equals))
  if (notEquals !== undefined) tests.push((text) => text !== String(notEquals))
  if (startsWith !== undefined) tests.push((text) => text.startsWith(startsWith))
  if (notStartsWith !== undefined) tests.push((text) => !text.startsWith(notStartsWith))
  if (greaterThan !== undefined) tests.push((text) => text !== '' && Number(text) > greaterThan)
  if (atLeast !== undefined) tests.push((text) => text !== '' && Number(text) >= atLeast)
  if (lessThan !== undefined) tests.push((text) => text !== '' && Number(text) < lessThan)
  if (atMost !== undefined) tests.push((text) => text !== '' && Number(text) <= atMost)
  if (tests.length === 1) {
    const [only] = tests
    return (row) => only(row[at])
  }
  return (row) => tests.every((test) => test(row[at]))
}
