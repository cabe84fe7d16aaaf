import { RiskError } from '@riskledger/contracts'

/** What a ledger that does not answer looks like to its client. */
export function ledgerUnavailable(): RiskError {
  return new RiskError('ledger-unavailable', 'the ledger does not answer', { retriable: true })
}

/** What an append looks like whose answer never came. */
export function unknownOutcome(): RiskError {
  return new RiskError('append-outcome-unknown', 'no answer came', { retriable: true })
}

/** What a log that does not answer looks like to its client. */
export function logUnavailable(): RiskError {
  return new RiskError('log-unavailable', 'the log does not answer', { retriable: true })
}
