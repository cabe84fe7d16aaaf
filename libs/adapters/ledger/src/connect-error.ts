import { RiskError } from '@riskledger/contracts'

/** A call that had its time and was not answered. */
export class NoAnswerError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds} ms`)
    this.name = 'NoAnswerError'
  }
}

/** Why nothing answered, in words, and what to do about it. */
interface Reason {
  readonly says: string
  readonly next: string
}

const IS_IT_THERE = 'Is it running there?'
const LOOK_AT_ADDRESS = 'Look at --ledger.'

/** Words for what the transport tells in its text alone: gRPC gives all of it one status. */
const REASONS: readonly (readonly [pattern: RegExp, reason: Reason])[] = [
  [/ECONNREFUSED/, { says: 'the connection was refused', next: IS_IT_THERE }],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, { says: 'the host was not found', next: LOOK_AT_ADDRESS }],
  [/EHOSTUNREACH|ENETUNREACH/, { says: 'the host cannot be reached', next: IS_IT_THERE }],
  [/ERR_SOCKET_BAD_PORT/, { says: 'the port is not one from 1 to 65535', next: LOOK_AT_ADDRESS }],
  [/ETIMEDOUT|deadline/i, { says: 'the connection timed out', next: IS_IT_THERE }],
  [/ECONNRESET|EPIPE|socket hang up/i, { says: 'the connection was closed', next: IS_IT_THERE }],
  [/certificate|SSL|TLS|EPROTO/, { says: 'no TLS connection could be made', next: 'Look at tls and tlsCAFile in --ledger.' }],
  [/Failed to discover/, { says: 'no node of the cluster answered', next: IS_IT_THERE }],
  [/UNAUTHENTICATED|access denied/i, { says: 'user or password was not accepted', next: LOOK_AT_ADDRESS }],
]

/**
 * Why no ledger could be reached: the place without user and password, the reason in words, what to do, and what came of the transport as `cause`. Retriable
 * whatever it was, since what is wrong may be put right at the other end. What was told as `cancelled` stays that.
 */
export function connectError(cause: unknown, connectionString: string): RiskError {
  if (cause instanceof RiskError && cause.code === 'cancelled') return cause
  const place = placeOf(connectionString)
  const { says, next } = reasonOf(cause)
  return new RiskError('ledger-unavailable', `No ledger answers at ${place}: ${says}. ${next}`, {
    retriable: true,
    cause,
    context: { place },
  })
}

/** A connection string that the client does not take: told by its place alone. */
export function connectionInvalid(connectionString: string): RiskError {
  const place = placeOf(connectionString)
  const message =
    `The connection string of the ledger at ${place} cannot be used. Look at --ledger: esdb://user:password@host:port?key=value, ` +
    'special characters of user and password percent-encoded (@ is %40), and files such as tlsCAFile there to be read.'
  return new RiskError('configuration-invalid', message, { retriable: false, context: { place } })
}

function reasonOf(cause: unknown): Reason {
  if (cause instanceof NoAnswerError) return { says: `the connection timed out (${cause.message})`, next: IS_IT_THERE }
  const text = cause instanceof Error ? cause.message : String(cause)
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? { says: 'the connection failed', next: IS_IT_THERE }
}

/** Scheme and hosts alone. */
function placeOf(connectionString: string): string {
  return connectionString.replace(/:\/\/.*@/, '://').replace(/[/?]*\?.*$/, '')
}
