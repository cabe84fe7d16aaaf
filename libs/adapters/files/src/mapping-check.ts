import { validateRaw } from '@riskledger/events'
import type { EventRule, FieldRule, Mapping } from './mapping'
import { templateColumns } from './row-template'

/** Something wrong with what a mapping says, at a path in it. */
export interface MappingFault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Checks that columns exist, and that every event has its topic's fields: none unknown, none missing, constants of the right kind. */
export function checkAgainstSchema(mapping: Mapping): readonly MappingFault[] {
  const columns = new Set(mapping.columns)
  const faults: MappingFault[] = []
  if (columns.size !== mapping.columns.length) faults.push({ path: ['columns'], message: 'names a column twice' })
  for (const [index, rule] of mapping.events.entries()) {
    const path = ['events', index]
    for (const [at, { column }] of (rule.when ?? []).entries()) {
      if (!columns.has(column)) faults.push({ path: [...path, 'when', at], message: unknownColumn(column, mapping) })
    }
    for (const [name, field] of Object.entries(rule.fields)) {
      for (const column of columnsOf(field)) {
        if (!columns.has(column)) faults.push({ path: [...path, 'fields', name], message: unknownColumn(column, mapping) })
      }
    }
    faults.push(...checkFields(rule).map(({ path: inner, message }) => ({ path: [...path, ...inner], message })))
  }
  return faults
}

/** The schema itself is asked: an event that holds only the constants is validated, and what it lacks beside the mapped fields is a fault. */
function checkFields(rule: EventRule): readonly MappingFault[] {
  const probe: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(rule.fields)) probe[name] = 'constant' in field ? field.constant : null
  const validation = validateRaw(rule.topic, probe)
  if (validation.kind === 'accepted') return []
  return validation.problems.flatMap(({ field, code, message }): MappingFault[] => {
    const given = rule.fields[field]
    if (code === 'unknown-field') return [{ path: ['fields', field], message }]
    if (given === undefined) return code === 'missing' && !field.includes('.') ? [{ path: ['fields'], message }] : []
    return 'constant' in given ? [{ path: ['fields', field], message }] : []
  })
}

function columnsOf(field: FieldRule): readonly string[] {
  if ('column' in field) return [field.column]
  if ('text' in field) return templateColumns(field.text)
  if ('uuid' in field) return templateColumns(field.uuid)
  if ('integer' in field) return [field.integer]
  if ('decimal' in field) return [field.decimal]
  if ('localTime' in field) return [field.localTime]
  if ('utcOffset' in field) return [field.utcOffset]
  return []
}

function unknownColumn(column: string, mapping: Mapping): string {
  return `there is no column ${JSON.stringify(column)}; the columns are ${mapping.columns.join(', ')}`
}
