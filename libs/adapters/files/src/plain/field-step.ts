import { encodeField, type FieldLayout, MAX_LONG_BYTES, UUID_NAMESPACES, writeLong, writeUuid } from '@riskledger/events'
import { durationMs, type FieldRule } from '../mapping'
import { MAX_NAME_BYTES, NameHasher } from '../name-hasher'
import { isInputError } from '../ndjson-emitter'
import { decimalUnits } from './byte-decimal'
import { type ByteTemplate, compileByteTemplate, copyBytes, fillTemplate } from './byte-template'
import type { ByteTimes } from './byte-times'
import { FieldMemo } from './field-memo'
import type { PlainRow } from './plain-row'

/** Writes one field of a row to `target[at, ...)` and gives its end; -1 where the general way is to decide what becomes of the row. */
export type Step = (row: PlainRow, target: Uint8Array, at: number) => number

/** A part of every record: bytes that are always the same, or a step that writes at most so many. */
export type Piece = Uint8Array | { readonly step: Step; readonly maxBytes: number }

/** What the fields of an event are compiled with. */
export interface FieldContext {
  readonly indexOf: (column: string) => number
  readonly times: ByteTimes
  /** Added to the event time. */
  readonly delayMs: number
}

/** Longest text that is written here: its length takes one byte then. */
export const MAX_TEXT_BYTES = 63
/** Stands before the value of an optional field that has one. */
const PRESENT = 2
const ABSENT = 0

/** The piece of a field by its rule; undefined where only the general way can write it. */
export function compileField(layout: FieldLayout, rule: FieldRule | undefined, context: FieldContext): Piece | undefined {
  const { indexOf } = context
  if (rule === undefined) return encoded(layout, null) ?? undefined
  if ('constant' in rule) return encoded(layout, rule.constant) ?? undefined
  if ('text' in rule) return textField(layout, compileByteTemplate(rule.text, indexOf))
  if ('uuid' in rule) return nameField(layout, compileByteTemplate(rule.uuid, indexOf))
  if ('column' in rule) return columnField(layout, rule, context)
  return numberField(layout, rule, context)
}

/** The field's bytes; null for a value that it may not have. */
function encoded(layout: FieldLayout, value: unknown): Uint8Array | null {
  try {
    return encodeField(layout, value)
  } catch (error) {
    if (isInputError(error)) return null
    throw error
  }
}

function textField({ type, optional }: FieldLayout, template: ByteTemplate | undefined): Piece | undefined {
  if (template === undefined || (type.kind !== 'token' && type.kind !== 'text')) return undefined
  const longest = Math.min(type.maxBytes, MAX_TEXT_BYTES)
  const shortest = type.kind === 'token' ? 1 : 0
  const step: Step = (row, target, at) => {
    let start = at
    if (optional) target[start++] = PRESENT
    const end = fillTemplate(template, row, target, start + 1, longest)
    const length = end - start - 1
    if (length < shortest) return -1
    target[start] = length << 1
    return end
  }
  return { step, maxBytes: 2 + MAX_TEXT_BYTES }
}

function nameField({ type, optional }: FieldLayout, template: ByteTemplate | undefined): Piece | undefined {
  if (template === undefined || type.kind !== 'uuid' || template.textBytes > MAX_NAME_BYTES) return undefined
  const [prefix, ...texts] = template.texts
  const hasher = new NameHasher(UUID_NAMESPACES.importedEvent, prefix)
  const rest = { texts: [new Uint8Array(0), ...texts], columns: template.columns, textBytes: template.textBytes - prefix.length }
  const longest = MAX_NAME_BYTES - prefix.length
  const step: Step = (row, target, at) => {
    const end = fillTemplate(rest, row, hasher.message, hasher.start, longest)
    if (end < 0) return -1
    let start = at
    if (optional) target[start++] = PRESENT
    hasher.writeUuid(end, target, start)
    return start + 16
  }
  return { step, maxBytes: 17 }
}

function columnField(layout: FieldLayout, rule: Extract<FieldRule, { column: string }>, { indexOf }: FieldContext): Piece | undefined {
  const { type, optional } = layout
  const column = indexOf(rule.column)
  const values = rule.map === undefined ? undefined : new Map(Object.entries(rule.map))
  if (values === undefined && (type.kind === 'token' || type.kind === 'text' || type.kind === 'uuid')) {
    const whole = type.kind === 'uuid' ? uuidField(layout, column) : textField(layout, wholeField(column))
    return whole && orAbsent(whole, column, optional)
  }
  const memo = new FieldMemo(column, (text) =>
    encoded(layout, values === undefined ? (text === '' ? null : text) : (values.get(text) ?? null)),
  )
  const step: Step = (row, target, at) => {
    const bytes = memo.find(row)
    return bytes === null ? -1 : copyBytes(bytes, target, at)
  }
  return { step, maxBytes: 1 + MAX_LONG_BYTES + ('maxBytes' in type ? type.maxBytes : 16) }
}

/** The template that is a column and nothing else. */
export function wholeField(column: number): ByteTemplate {
  return { texts: [new Uint8Array(0), new Uint8Array(0)], columns: [column], textBytes: 0 }
}

/** An empty field stands for no value. */
function orAbsent(piece: Piece, column: number, optional: boolean): Piece {
  if (piece instanceof Uint8Array) return piece
  const step: Step = (row, target, at) => {
    if (row.starts[column] !== row.ends[column]) return piece.step(row, target, at)
    if (!optional) return -1
    target[at] = ABSENT
    return at + 1
  }
  return { step, maxBytes: piece.maxBytes }
}

function uuidField({ optional }: FieldLayout, column: number): Piece {
  const step: Step = (row, target, at) => {
    let start = at
    if (optional) target[start++] = PRESENT
    if (!writeUuid(row.text(column), target, start)) return -1
    for (let i = start; i < start + 16; i++) if (target[i] !== 0) return start + 16
    // The nil UUID, which is nobody's.
    return -1
  }
  return { step, maxBytes: 17 }
}

type NumberRule = Exclude<FieldRule, { constant: unknown } | { text: string } | { uuid: string } | { column: string }>

function numberField({ name, type, optional }: FieldLayout, rule: NumberRule, context: FieldContext): Piece | undefined {
  if (type.kind !== 'integer') return undefined
  const { minimum, maximum } = type
  const { indexOf, times } = context
  const isEventTime = name === 'eventTimeMs'
  const delayMs = isEventTime ? context.delayMs : 0
  const write = (row: PlainRow, value: number, target: Uint8Array, at: number): number => {
    if (!(value >= minimum && value <= maximum)) return -1
    if (isEventTime) row.eventTimeMs = value
    let start = at
    if (optional) target[start++] = PRESENT
    return writeLong(target, start, value)
  }
  let step: Step
  if ('localTime' in rule) {
    const column = indexOf(rule.localTime)
    const plusMs = delayMs + (rule.plus === undefined ? 0 : durationMs(rule.plus))
    step = (row, target, at) =>
      times.read(row.bytes, row.starts[column], row.ends[column]) ? write(row, times.ms + plusMs, target, at) : -1
  } else if ('utcOffset' in rule) {
    const column = indexOf(rule.utcOffset)
    step = (row, target, at) =>
      times.read(row.bytes, row.starts[column], row.ends[column]) ? write(row, times.offsetMinutes + delayMs, target, at) : -1
  } else {
    const scale = 'decimal' in rule ? rule.scale : 0
    const column = indexOf('decimal' in rule ? rule.decimal : rule.integer)
    const { magnitude = false } = rule
    step = (row, target, at) => {
      const units = decimalUnits(row.bytes, row.starts[column], row.ends[column], scale)
      return write(row, (magnitude ? Math.abs(units) : units) + delayMs, target, at)
    }
  }
  return { step, maxBytes: 1 + MAX_LONG_BYTES }
}
