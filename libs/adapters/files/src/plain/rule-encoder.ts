import { topicIndexOf } from '@riskledger/contracts'
import { MAX_RECORD_BYTES, RAW_LAYOUTS, rawHeader } from '@riskledger/events'
import { durationMs, type EventRule, type FieldRule } from '../mapping'
import { compileByteCondition } from './byte-conditions'
import { type ByteTemplate, compileByteTemplate, copyBytes, fillTemplate } from './byte-template'
import { compileField, type FieldContext, MAX_TEXT_BYTES, type Piece, type Step, wholeField } from './field-step'
import type { PlainRow } from './plain-row'

/** Writes the key and the record of one rule's event. */
export class RuleEncoder {
  readonly topicIndex: number
  readonly delayed: boolean
  /** Most that key and record take together. */
  readonly maxBytes: number
  private readonly steps: readonly Step[]

  constructor(
    rule: EventRule,
    private readonly conditions: readonly ((row: PlainRow) => boolean)[],
    private readonly parts: { readonly key: ByteTemplate; readonly pieces: readonly Piece[] },
  ) {
    this.topicIndex = topicIndexOf(rule.topic)
    this.delayed = delayOf(rule) > 0
    this.maxBytes =
      MAX_TEXT_BYTES + parts.pieces.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.maxBytes), 0)
    this.steps = joined(parts.pieces)
  }

  /** Whether the row meets the rule's conditions. */
  holdsFor(row: PlainRow): boolean {
    const { conditions } = this
    for (let i = 0; i < conditions.length; i++) if (!conditions[i](row)) return false
    return true
  }

  /** Writes to `target[at, ...)`, where there is room for `maxBytes`, and gives the end; -1 where the general way is to decide. */
  write(row: PlainRow, target: Uint8Array, at: number): number {
    const { steps } = this
    let next = fillTemplate(this.parts.key, row, target, at, MAX_TEXT_BYTES)
    if (next <= at) return -1
    row.keyStart = at
    row.keyEnd = next
    for (let i = 0; i < steps.length; i++) {
      next = steps[i](row, target, next)
      if (next < 0) return -1
    }
    return next
  }
}

/** The encoder of a rule; undefined where it has a field that only the general way can write. */
export function compileRule(rule: EventRule, context: Omit<FieldContext, 'delayMs'>): RuleEncoder | undefined {
  const { indexOf } = context
  const { accountId, eventTimeMs } = rule.fields
  const key = accountId === undefined ? undefined : keyTemplate(accountId, indexOf)
  // The row's event time is what its number step wrote last.
  if (key === undefined || eventTimeMs === undefined || 'constant' in eventTimeMs || 'column' in eventTimeMs) return undefined
  const pieces: Piece[] = [rawHeader(rule.topic)]
  for (const layout of RAW_LAYOUTS[rule.topic]) {
    const piece =
      layout.name === 'accountId' ? KEY_PIECE : compileField(layout, rule.fields[layout.name], { ...context, delayMs: delayOf(rule) })
    if (piece === undefined) return undefined
    pieces.push(piece)
  }
  const conditions = (rule.when ?? []).map((condition) => compileByteCondition(condition, indexOf))
  const encoder = new RuleEncoder(rule, conditions, { key, pieces })
  return encoder.maxBytes > MAX_RECORD_BYTES ? undefined : encoder
}

/** The account id, which stands before the record already, as its key. */
const KEY_PIECE: Piece = {
  step: (row, target, at) => {
    const { keyStart, keyEnd } = row
    target[at] = (keyEnd - keyStart) << 1
    let next = at + 1
    for (let from = keyStart; from < keyEnd; from++) target[next++] = target[from]
    return next
  },
  maxBytes: 1 + MAX_TEXT_BYTES,
}

function keyTemplate(rule: FieldRule, indexOf: (column: string) => number): ByteTemplate | undefined {
  if ('text' in rule) return compileByteTemplate(rule.text, indexOf)
  if ('column' in rule && rule.map === undefined) return wholeField(indexOf(rule.column))
  return undefined
}

function delayOf({ delay }: EventRule): number {
  return delay === undefined ? 0 : durationMs(delay)
}

/** Neighbouring constants become one. */
function joined(pieces: readonly Piece[]): readonly Step[] {
  const steps: Step[] = []
  let fixed: Uint8Array[] = []
  const close = (): void => {
    if (fixed.length === 0) return
    const bytes = Uint8Array.from(Buffer.concat(fixed))
    fixed = []
    steps.push((_row, target, at) => copyBytes(bytes, target, at))
  }
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) fixed.push(piece)
    else {
      close()
      steps.push(piece.step)
    }
  }
  close()
  return steps
}
