/** Every way in which the world around RiskLedger can fail it. A closed union: branch on the code, never on the message. */
export type RiskErrorCode =
  | 'wrong-expected-revision'
  | 'stream-not-found'
  | 'stream-deleted'
  | 'append-too-large'
  | 'append-outcome-unknown'
  | 'ledger-unavailable'
  | 'ledger-corrupt'
  | 'offset-out-of-range'
  | 'log-unavailable'
  | 'log-corrupt'
  | 'log-replaced'
  | 'record-too-large'
  | 'disk-full'
  | 'data-folder-in-use'
  | 'data-folder-format'
  | 'fenced'
  | 'journal-mismatch'
  | 'snapshot-unusable'
  | 'file-not-found'
  | 'file-unreadable'
  | 'mapping-invalid'
  | 'policy-invalid'
  | 'configuration-invalid'
  | 'input-rejected'
  | 'not-found'
  | 'limit-reached'
  | 'cancelled'

/** What a `RiskError` carries beside its message. */
export interface RiskErrorDetails {
  /** True where the same call may succeed if it is made again; stated every time. */
  readonly retriable: boolean
  readonly cause?: unknown
  /** Positions and values that name the place: stream, revision, topic, offset, file, line. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>>
}

/**
 * A failure of the outside world. The message says what was wrong, where, and what to do.
 * Programmer errors are assertions instead, and bad input is a value, never an error.
 */
export class RiskError extends Error {
  override readonly name = 'RiskError'
  readonly code: RiskErrorCode
  readonly retriable: boolean
  readonly context: Readonly<Record<string, string | number | boolean | null>>

  constructor(code: RiskErrorCode, message: string, details: RiskErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retriable = details.retriable
    this.context = details.context ?? {}
  }
}
