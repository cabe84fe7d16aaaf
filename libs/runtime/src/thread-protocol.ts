import { RiskError, type RiskErrorCode } from '@riskledger/contracts'

/** What a thread says to the one who started it. */
export type FromThread =
  | { readonly kind: 'ready'; readonly value: unknown }
  | { readonly kind: 'message'; readonly value: unknown }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: PlainError }

/** What the one who started it says to a thread. */
export type ToThread =
  { readonly kind: 'message'; readonly value: unknown } | { readonly kind: 'input'; readonly value: unknown } | { readonly kind: 'stop' }

/** In place of an input that follows as a message. */
export const INPUT_FOLLOWS = 'riskledger: the input follows'

/** An error as it crosses threads: the structured clone of a class instance would lose its class and its code. */
export interface PlainError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly risk: { readonly code: RiskErrorCode; readonly retriable: boolean; readonly context: RiskError['context'] } | null
  readonly cause: PlainError | null
}

/** Deepest chain of causes that is carried over. */
const MAX_CAUSES = 8

/** Makes any thrown value plain, with its causes down to eight. */
export function toPlainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, risk: null, cause: null }
  const { code, retriable, context } = error as Partial<RiskError>
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    // By name, not class: a bundle and its host may each hold their own copy of the class.
    risk: error.name === 'RiskError' && code !== undefined && retriable !== undefined ? { code, retriable, context: context ?? {} } : null,
    cause: error.cause === undefined || depth + 1 >= MAX_CAUSES ? null : toPlainError(error.cause, depth + 1),
  }
}

/** The error again, a `RiskError` where it was one, with the stack of the thread that threw it. */
export function fromPlainError(plain: PlainError): Error {
  const cause = plain.cause === null ? undefined : fromPlainError(plain.cause)
  const error =
    plain.risk === null
      ? Object.assign(new Error(plain.message, { cause }), { name: plain.name })
      : new RiskError(plain.risk.code, plain.message, { ...plain.risk, cause })
  if (plain.stack !== undefined) error.stack = plain.stack
  return error
}
