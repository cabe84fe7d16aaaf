import { RiskError } from '@riskledger/contracts'

/** A call that had its time and was not answered. */
export class NoAnswerError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds} ms`)
    this.name = 'NoAnswerError'
  }
}

/** Words for what the transport tells in its text alone: gRPC gives all of it one status. */
const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/ECONNREFUSED/, 'the connection was refused'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, 'the host was not found'],
  [/EHOSTUNREACH|ENETUNREACH/, 'the host cannot be reached'],
  [/ERR_SOCKET_BAD_PORT/, 'the port is not one from 1 to 65535'],
  [/ETIMEDOUT|deadline/i, 'the connection timed out'],
  [/ECONNRESET|EPIPE|socket hang up/i, 'the connection was closed'],
  [/certificate|SSL|TLS|EPROTO/, 'no TLS connection could be made'],
  [/Failed to discover/, 'no node of the cluster answered'],
  [/UNAUTHENTICATED|access denied/i, 'user or password was not accepted'],
]

/**
 * Why no ledger could be reached: the place without user and password, the reason in words, and what came of the transport as `cause`. What
 * was told as `cancelled` stays that.
 */
export function connectError(cause: unknown, connectionString: string): RiskError {
  if (cause instanceof RiskError && cause.code === 'cancelled') return cause
  const place = placeOf(connectionString)
  return new RiskError('ledger-unavailable', `No ledger answers at ${place}: ${reasonOf(cause)}. Is it running there?`, {
    retriable: true,
    cause,
    context: { place },
  })
}

function reasonOf(cause: unknown): string {
  if (cause instanceof NoAnswerError) return `the connection timed out (${cause.message})`
  const text = cause instanceof Error ? cause.message : String(cause)
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? 'the connection failed'
}

/** Scheme and hosts alone. */
function placeOf(connectionString: string): string {
  return connectionString.replace(/:\/\/.*@/, '://').replace(/[/?]*\?.*$/, '')
}
