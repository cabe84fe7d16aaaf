import { Metadata, status } from '@grpc/grpc-js'
import { DamagedRecordError } from './append-record'
import { InvalidRequestError } from './read-request'

/** A failure as gRPC tells it to a caller. */
export interface GrpcFailure {
  readonly name: string
  readonly message: string
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

// ENOSPC and EDQUOT as Node and as LMDB write them, and LMDB's own number for a map that cannot grow further.
const DISK_FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 28, 122, -30792]

/**
 * Chooses the status for a failure: INVALID_ARGUMENT for a request that makes no sense, DATA_LOSS for damaged store data (naming
 * the place), RESOURCE_EXHAUSTED for a full disk (nothing of the append is stored; the same call succeeds once there is room),
 * UNAVAILABLE for anything else that the store could not do.
 */
export function grpcFailure(cause: unknown): GrpcFailure {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof RangeError || cause instanceof InvalidRequestError) return failure(status.INVALID_ARGUMENT, text)
  if (cause instanceof DamagedRecordError) return failure(status.DATA_LOSS, `The ledger's store is damaged: ${text}.`)
  if (isDiskFull(cause))
    return failure(
      status.RESOURCE_EXHAUSTED,
      `The disk under the ledger is full: ${text}. Nothing was stored; make room and send the same again.`,
    )
  return failure(status.UNAVAILABLE, `The ledger's store failed: ${text}`)
}

/** A failure with a status and a text of its own. */
export function failure(code: number, details: string): GrpcFailure {
  return { name: 'LedgerServerError', message: details, code, details, metadata: new Metadata() }
}

function isDiskFull(cause: unknown): boolean {
  return cause instanceof Error && DISK_FULL_CODES.includes((cause as { code?: unknown }).code)
}
