import {
  CancelledError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import { RiskError } from '@riskledger/contracts'

// gRPC's status numbers, where the client has no error class of its own.
const RESOURCE_EXHAUSTED = 8
const DATA_LOSS = 15
const INVALID_ARGUMENT = 3

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function statusOf(cause: unknown): number | undefined {
  const own = (cause as { code?: unknown } | undefined)?.code
  return typeof own === 'number' ? own : undefined
}

/**
 * An append's failure. What the ledger refused is told as such; of everything else nobody knows whether it was written, so it is
 * `append-outcome-unknown`: send the same bytes, ids and expected revision again.
 */
export function appendError(cause: unknown, stream: string): RiskError {
  if (cause instanceof RiskError) return cause
  if (cause instanceof WrongExpectedVersionError) {
    const expected = String(cause.expectedVersion)
    const actual = String(cause.actualVersion)
    return new RiskError(
      'wrong-expected-revision',
      `Stream ${stream} is at ${actual}, not at ${expected}: somebody else has written to it.`,
      {
        retriable: false,
        cause,
        context: { stream, expected, actual },
      },
    )
  }
  if (cause instanceof MaxAppendSizeExceededError) {
    return tooLarge(stream, { bytes: undefined, maxAppendBytes: cause.maxAppendSize, cause })
  }
  if (cause instanceof StreamDeletedError) return deleted(stream, cause)
  const code = statusOf(cause)
  if (code === RESOURCE_EXHAUSTED) {
    return new RiskError('disk-full', `The ledger has no room for an append to ${stream}: ${textOf(cause)}`, {
      retriable: true,
      cause,
      context: { stream },
    })
  }
  if (code === DATA_LOSS) return corrupt(stream, cause)
  if (code === INVALID_ARGUMENT) {
    return new RiskError('input-rejected', `The ledger refuses the append to ${stream}: ${textOf(cause)}`, {
      retriable: false,
      cause,
      context: { stream },
    })
  }
  return new RiskError(
    'append-outcome-unknown',
    `Nobody knows whether the append to ${stream} was written (${textOf(cause)}): send the same again.`,
    {
      retriable: true,
      cause,
      context: { stream },
    },
  )
}

/** An append above the limit, found here or told by the server. */
export function tooLarge(
  stream: string,
  { bytes, maxAppendBytes, cause }: { bytes: number | undefined; maxAppendBytes: number; cause?: unknown },
): RiskError {
  const size = bytes === undefined ? 'An append' : `An append of ${bytes} bytes`
  return new RiskError(
    'append-too-large',
    `${size} to ${stream} is above the ledger's limit of ${maxAppendBytes} bytes: close the batch earlier.`,
    {
      retriable: false,
      cause,
      context: { stream, bytes: bytes ?? null, maxAppendBytes },
    },
  )
}

/** A read's or a subscription's failure. `stream` is `$all` where all streams are read. */
export function readError(cause: unknown, stream: string): RiskError {
  if (cause instanceof RiskError) return cause
  if (cause instanceof StreamNotFoundError) {
    return new RiskError('stream-not-found', `The ledger holds no stream ${stream}.`, { retriable: false, cause, context: { stream } })
  }
  if (cause instanceof StreamDeletedError) return deleted(stream, cause)
  if (statusOf(cause) === DATA_LOSS) return corrupt(stream, cause)
  if (statusOf(cause) === INVALID_ARGUMENT) {
    return new RiskError('configuration-invalid', `The ledger refuses to read ${stream}: ${textOf(cause)}`, {
      retriable: false,
      cause,
      context: { stream },
    })
  }
  return new RiskError('ledger-unavailable', `The ledger cannot be read (${stream}): ${textOf(cause)}`, {
    retriable: true,
    cause,
    context: { stream },
  })
}

/** Whether the connection, rather than the request, failed. */
export function isConnectionLoss(cause: unknown): boolean {
  if (
    cause instanceof UnavailableError ||
    cause instanceof CancelledError ||
    cause instanceof TimeoutError ||
    cause instanceof DeadlineExceededError
  )
    return true
  // A stream that is reset without a status arrives as "unknown", or as an internal error of the transport.
  const code = statusOf(cause)
  return cause instanceof UnknownError && (code === undefined || code === 2 || code === 13)
}

function deleted(stream: string, cause: unknown): RiskError {
  return new RiskError('stream-deleted', `Stream ${stream} was deleted from the ledger: restore it from a backup.`, {
    retriable: false,
    cause,
    context: { stream },
  })
}

function corrupt(stream: string, cause: unknown): RiskError {
  return new RiskError('ledger-corrupt', `The ledger's data is damaged (${stream}): ${textOf(cause)} Restore it from a backup.`, {
    retriable: false,
    cause,
    context: { stream },
  })
}
