import { counted, grouped } from '@riskledger/detectors'
import type { FactKind } from '@riskledger/journal'
import { decodeCounterpartyFact, decodeDeviceFact } from '@riskledger/relations'

/** Distinct counts are exact below this. */
const EXACT_BELOW = 64

/** What a fact says, in words; its value as journaled, or null where it is not kept. */
export function describeFact(kind: FactKind, value: Uint8Array | null): string {
  if (kind === 'random-challenge') return 'drawn for a random challenge'
  if (value === null) return 'its value is not in the ledger'
  return kind === 'counterparty' ? describeCounterparty(value) : describeDevice(value)
}

function describeCounterparty(value: Uint8Array): string {
  const fact = decodeCounterpartyFact(value)
  const parts = [`${distinct(fact.distinctPayers)} payer${fact.distinctPayers === 1 ? '' : 's'}`, counted(fact.paymentCount, 'payment')]
  const known = fact.fraudTotal + fact.legitimateTotal
  if (known > 0) parts.push(`${grouped(fact.fraudTotal)} of ${grouped(known)} with a known label were fraud`)
  if (fact.tradesDisputed > 0) parts.push(`${counted(fact.tradesDisputed, 'trade')} disputed`)
  if (fact.chargebacks > 0) parts.push(counted(fact.chargebacks, 'chargeback'))
  if (fact.counterfeitReports > 0) parts.push(`${counted(fact.counterfeitReports, 'report')} of counterfeits`)
  if (fact.alertSeverity >= 0) parts.push(`alert of severity ${grouped(fact.alertSeverity)}`)
  return `${parts.join(', ')}; first seen ${day(fact.firstSeenMs)}`
}

function describeDevice(value: Uint8Array): string {
  const fact = decodeDeviceFact(value)
  const fraud = fact.lastKnownFraudMs < 0 ? '' : `, last known fraud ${day(fact.lastKnownFraudMs)}`
  return `${distinct(fact.distinctAccounts)} account${fact.distinctAccounts === 1 ? '' : 's'}${fraud}; first seen ${day(fact.firstSeenMs)}`
}

function distinct(count: number): string {
  return count < EXACT_BELOW ? grouped(count) : `at least ${EXACT_BELOW}`
}

function day(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
