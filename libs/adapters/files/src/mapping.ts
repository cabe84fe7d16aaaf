import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import * as z from 'zod'
import { checkAgainstSchema } from './mapping-check'

/** A field of an event, made from a row. */
export type FieldRule =
  | { readonly constant: string | number | boolean | readonly string[] | Readonly<Record<string, number>> }
  | { readonly column: string; readonly map?: Readonly<Record<string, string | number>> | undefined }
  | { readonly text: string }
  | { readonly uuid: string }
  | { readonly integer: string; readonly magnitude?: boolean | undefined }
  | { readonly decimal: string; readonly scale: number; readonly magnitude?: boolean | undefined }
  | { readonly localTime: string; readonly plus?: string | undefined }
  | { readonly utcOffset: string }

/** A condition on one column; numbers compare as numbers, everything else as text. */
export interface Condition {
  readonly column: string
  readonly equals?: string | number | undefined
  readonly notEquals?: string | number | undefined
  readonly startsWith?: string | undefined
  readonly notStartsWith?: string | undefined
  readonly greaterThan?: number | undefined
  readonly atLeast?: number | undefined
  readonly lessThan?: number | undefined
  readonly atMost?: number | undefined
}

/** An event that a row gives, if all its conditions hold. */
export interface EventRule {
  readonly topic:
    'payments' | 'logins' | 'p2p-trades' | 'risk-alerts' | 'liveness-results' | 'outcomes' | 'account-profiles' | 'case-actions' | 'answers'
  readonly when?: readonly Condition[] | undefined
  /** How long after the row's time it happens, such as `7d`; also added to `eventTimeMs`. */
  readonly delay?: string | undefined
  readonly fields: Readonly<Record<string, FieldRule>>
}

/** How rows of a CSV file become events. */
export interface Mapping {
  readonly name: string
  readonly columns: readonly string[]
  readonly header: boolean
  readonly delimiter: string
  /** IANA name of the zone of local times. */
  readonly timezone: string
  readonly events: readonly EventRule[]
  /** The content in one fixed form: equal mappings have equal ones, whatever their comments and layout. */
  readonly canonical: string
}

/** Something wrong in a mapping. Line and column from 1. */
export interface MappingProblem {
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}

/** Milliseconds of a duration such as `7d`, `36h`, `90m`, `10s`; NaN if it is none. */
export function durationMs(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (match === null) return NaN
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'ms' | 's' | 'm' | 'h' | 'd']
}

const duration = z.string().refine((text) => !Number.isNaN(durationMs(text)), 'is a whole number with ms, s, m, h or d, such as 7d')
const scalar = z.union([z.string(), z.number().int()])
const FIELD_FORMS = {
  constant: z.strictObject({
    constant: z.union([z.string(), z.number().int(), z.boolean(), z.array(z.string()), z.record(z.string(), z.number().int())]),
  }),
  column: z.strictObject({ column: z.string(), map: z.record(z.string(), scalar).optional() }),
  text: z.strictObject({ text: z.string().min(1) }),
  uuid: z.strictObject({ uuid: z.string().min(1) }),
  integer: z.strictObject({ integer: z.string(), magnitude: z.boolean().optional() }),
  decimal: z.strictObject({ decimal: z.string(), scale: z.number().int().min(0).max(8), magnitude: z.boolean().optional() }),
  localTime: z.strictObject({ localTime: z.string(), plus: duration.optional() }),
  utcOffset: z.strictObject({ utcOffset: z.string() }),
} as const
const condition = z
  .strictObject({
    column: z.string(),
    equals: scalar.optional(),
    notEquals: scalar.optional(),
    startsWith: z.string().optional(),
    notStartsWith: z.string().optional(),
    greaterThan: z.number().optional(),
    atLeast: z.number().optional(),
    lessThan: z.number().optional(),
    atMost: z.number().optional(),
  })
  .refine(
    (value) => Object.keys(value).length > 1,
    'needs a comparison: equals, notEquals, startsWith, notStartsWith, greaterThan, atLeast, lessThan or atMost',
  )
const field = z.unknown().transform((value, context): FieldRule => {
  const form = (Object.keys(FIELD_FORMS) as (keyof typeof FIELD_FORMS)[]).find(
    (name) => typeof value === 'object' && value !== null && name in value,
  )
  if (form === undefined) {
    context.addIssue({ code: 'custom', message: `needs one of ${Object.keys(FIELD_FORMS).join(', ')}, such as { column: amount }` })
    return z.NEVER
  }
  const parsed = FIELD_FORMS[form].safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) context.addIssue({ code: 'custom', message: describeIssue(issue), path: issue.path })
  return z.NEVER
})
const eventRule = z.strictObject({
  topic: z.enum([
    'payments',
    'logins',
    'p2p-trades',
    'risk-alerts',
    'liveness-results',
    'outcomes',
    'account-profiles',
    'case-actions',
    'answers',
  ]),
  when: z.union([condition.transform((one) => [one]), z.array(condition).min(1)]).optional(),
  delay: duration.optional(),
  fields: z.record(z.string(), field),
})
const mappingSchema = z.strictObject({
  name: z.string().min(1).max(128),
  columns: z.array(z.string().min(1)).min(1).max(512),
  header: z.boolean().default(true),
  delimiter: z
    .string()
    .refine((text) => /^[\x20-\x7e\t]$/.test(text) && text !== '"', 'is one character, not a quote')
    .default(','),
  timezone: z.string().refine(isTimezone, 'is the IANA name of a time zone, such as UTC or Europe/London').default('UTC'),
  events: z.array(eventRule).min(1).max(32),
})

/**
 * Reads a mapping. Every problem is named with its line, column and path; a mapping with problems is not used.
 * Checked: the form, that columns exist, that each topic's fields are known, complete and of the right kind.
 */
export function parseMapping(
  text: string,
): { readonly kind: 'accepted'; readonly mapping: Mapping } | { readonly kind: 'rejected'; readonly problems: readonly MappingProblem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  if (document.errors.length > 0) {
    // The first place is the cause; what comes after it mostly follows from it.
    const [first, ...more] = [...document.errors].sort((a, b) => a.pos[0] - b.pos[0])
    const following = more.length === 0 ? '' : ` (${more.length} more ${more.length === 1 ? 'problem follows' : 'problems follow'} from it)`
    const message = `${first.message.split('\n')[0].replace(/ at line .*$/, '')}${following}`
    return { kind: 'rejected', problems: [{ ...placeAt(lines, first.pos[0]), path: '', message }] }
  }
  const at = (path: readonly PropertyKey[], message: string): MappingProblem => ({
    ...placeAt(lines, offsetOf(document, path)),
    path: path.map(String).join('.'),
    message,
  })
  const parsed = mappingSchema.safeParse(document.toJS({ maxAliasCount: 100 }))
  if (!parsed.success) return { kind: 'rejected', problems: parsed.error.issues.map((issue) => at(issue.path, describeIssue(issue))) }
  const mapping: Mapping = { ...parsed.data, canonical: JSON.stringify(parsed.data) }
  const problems = checkAgainstSchema(mapping).map(({ path, message }) => at(path, message))
  return problems.length > 0 ? { kind: 'rejected', problems } : { kind: 'accepted', mapping }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')} is not known here`
  return issue.message
}

function placeAt(lines: LineCounter, offset: number): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** Where the value at a path begins, or the nearest thing around it that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    const range = (node as { readonly range?: readonly number[] } | null | undefined)?.range
    if (range !== undefined && range !== null)
      return isMap(node) && length < path.length ? (keyOffset(node, path[length]) ?? range[0]) : range[0]
  }
  return 0
}

function keyOffset(node: { readonly items: readonly { readonly key: unknown }[] }, name: PropertyKey): number | undefined {
  const item = node.items.find(({ key }) => (key as { readonly value?: unknown }).value === name)
  return (item?.key as { readonly range?: readonly number[] } | undefined)?.range?.[0]
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
