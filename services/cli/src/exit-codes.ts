import { RiskError, type RiskErrorCode } from '@riskledger/contracts'

/** What the exit codes of the executable mean. */
export const EXIT = {
  done: 0,
  failure: 1,
  wrongUse: 2,
  faultFound: 3,
  strictStop: 4,
  folderInUse: 5,
  interrupted: 130,
} as const

const BY_ERROR: Partial<Record<RiskErrorCode, number>> = {
  'configuration-invalid': EXIT.wrongUse,
  'mapping-invalid': EXIT.wrongUse,
  'policy-invalid': EXIT.wrongUse,
  'file-not-found': EXIT.wrongUse,
  'file-unreadable': EXIT.wrongUse,
  'data-folder-format': EXIT.wrongUse,
  'not-found': EXIT.wrongUse,
  'journal-mismatch': EXIT.faultFound,
  'ledger-corrupt': EXIT.faultFound,
  'log-corrupt': EXIT.faultFound,
  'input-rejected': EXIT.strictStop,
  'data-folder-in-use': EXIT.folderInUse,
  cancelled: EXIT.interrupted,
}

/** The exit code with which a command ends that failed with this error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof RiskError ? (BY_ERROR[error.code] ?? EXIT.failure) : EXIT.failure
}
