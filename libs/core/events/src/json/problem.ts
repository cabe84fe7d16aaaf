import type { QuarantineReason } from '../quarantine-reason'

/** What can be wrong with a field of an event in JSON. */
export type ProblemCode =
  | 'missing'
  | 'wrong-type'
  | 'out-of-range'
  | 'unknown-symbol'
  | 'empty'
  | 'too-long'
  | 'hostile-text'
  | 'invalid-text'
  | 'invalid-format'
  | 'invalid-uuid'
  | 'unknown-field'
  | 'too-many-items'

/** One thing wrong with an event in JSON. */
export interface Problem {
  /** Path of the field, such as `amountMinor` or `signals[2].points`; empty for the event as a whole. */
  readonly field: string
  readonly code: ProblemCode
  /** What is wrong, where, and what to do. */
  readonly message: string
}

/** The outcome of validating: the event in its one shape (every field there, absent optionals null), or everything wrong with it. */
export type Validation<Event> =
  { readonly kind: 'accepted'; readonly event: Event } | { readonly kind: 'rejected'; readonly problems: readonly Problem[] }

/** The quarantine reason that a problem amounts to: the same one that the binary encoding of the same mistake gets, where there is one. */
export function reasonOf(problem: Problem): QuarantineReason {
  switch (problem.code) {
    case 'out-of-range':
      return 'invalid-value'
    case 'unknown-symbol':
      return 'unknown-enum'
    case 'too-many-items':
      return 'too-many-items'
    case 'empty':
      return 'missing-id'
    case 'hostile-text':
      return 'hostile-id'
    case 'invalid-text':
      return 'invalid-utf8'
    case 'missing':
      return problem.field === 'eventId' || problem.field === 'accountId' ? 'missing-id' : 'invalid-event'
    case 'invalid-uuid':
    case 'invalid-format':
    case 'wrong-type':
    case 'too-long':
    case 'unknown-field':
      return 'invalid-event'
    default:
      return unreachable(problem.code)
  }
}

function unreachable(code: never): never {
  throw new Error(`no quarantine reason for ${String(code)}`)
}
