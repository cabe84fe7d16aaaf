import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blankFeatures, type Features } from '@riskledger/profiles'
import { parsePolicy, type Policy } from '@riskledger/policy'
import { compilePolicy, describeDecision, newScoreCard, score, type DescribedDecision } from '../index'

/** The policy that is shipped. */
export const DEFAULT_POLICY: Policy = readDefault()
const compiled = compilePolicy(DEFAULT_POLICY)

function readDefault(): Policy {
  const parsed = parsePolicy(readFileSync(join(__dirname, '..', '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8'))
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
  return parsed.policy
}

type CounterpartyFact = NonNullable<Features['counterparty']>

/** A Thursday in May 2026, 12:00 UTC. */
export const NOON_MS = 1_778_760_000_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** Counts of the six windows, 1 min to 30 d. */
export type SixCounts = readonly [number, number, number, number, number, number]

/** Windows that hold these counts. */
export function windows(counts: SixCounts, sumsMinor: SixCounts = [0, 0, 0, 0, 0, 0]): Features['payments'] {
  return { counts: Float64Array.from(counts), sumsMinor: Float64Array.from(sumsMinor), exact: [true, true, true, true, true, true] }
}

/**
 * A debit of $52.00 at noon by an account with a settled daytime habit: 200 payments around $50, known devices, a counterparty that
 * many know. Nothing about it is odd; tests change what they are about.
 */
export function ordinary(changes: Partial<Features> = {}): Features {
  return {
    ...blankFeatures(),
    topic: 'payments',
    eventTimeMs: NOON_MS,
    amountMinor: 5_200,
    kind: 'purchase',
    phase: 'authorised',
    direction: 'debit',
    method: 'card',
    payerNameMatch: 'match',
    payments: windows([1, 1, 1, 2, 9, 40], [5_200, 5_200, 5_200, 9_900, 48_000, 210_000]),
    distinctCounterparties1h: 1,
    distinctCounterparties1d: 2,
    distinctInstruments1d: 1,
    distinctDevices1d: 1,
    amountHabitMilliCount: 120_000,
    amountMedianMinor: 5_000,
    amountPercentileMinor: 18_800,
    populationMedianMinor: 6_000,
    populationPercentileMinor: 60_000,
    habitDistanceCenti: 10,
    knownLegitimateCount: 200,
    knownLegitimateMeanMinor: 5_000,
    ratioToLargestPermille: 300,
    pendingEvidencePermille: 1_800,
    localHour: 12,
    offsetSource: 'event',
    hourSharePpm: 90_000,
    hourHabitMilliCount: 180_000,
    paymentsPerDayMilli: 1_300,
    loginsPerDayMilli: 900,
    historyMs: 180 * DAY_MS,
    device: 'known',
    network: 'known',
    country: 'known',
    knownDeviceCount: 2,
    deviceAgeMs: 100 * DAY_MS,
    operatorLogRatioCentinats: -300,
    loginHabitCount: 90,
    msSinceLastLogin: 180_000,
    lastLoginBehaviourDistance: 90,
    counterparty: merchant(),
    counterpartyKind: 'merchant',
    networkClass: 'residential',
    countryCode: 'GB',
    ...changes,
  }
}

/** A login by that account, as usual. */
export function ordinaryLogin(changes: Partial<Features> = {}): Features {
  return ordinary({
    topic: 'logins',
    amountMinor: -1,
    kind: 'login',
    direction: 'unknown',
    outcome: 'success',
    counterparty: null,
    behaviourDistance: 90,
    ...changes,
  })
}

/** A trade by an account that trades now and then. */
export function ordinaryTrade(changes: Partial<Features> = {}): Features {
  return ordinary({
    topic: 'p2p-trades',
    kind: 'buy',
    knownLegitimateCount: 0,
    ratioToLargestPermille: -1,
    counterpartyKind: 'person',
    ...changes,
  })
}

/** A merchant with a long and clean record. */
export function merchant(changes: Partial<CounterpartyFact> = {}): CounterpartyFact {
  return {
    asOfMs: NOON_MS - HOUR_MS,
    firstSeenMs: NOON_MS - 300 * DAY_MS,
    paymentCount: 4_096,
    distinctPayers: 64,
    lastKnownLegitimateMs: NOON_MS - 7 * DAY_MS - HOUR_MS,
    lastKnownFraudMs: -1,
    fraudRegister: 0,
    fraudRegisterLength: 8,
    frauds3d: 0,
    known3d: 20 * 65_536,
    frauds7d: 0,
    known7d: 45 * 65_536,
    fraudTotal: 0,
    legitimateTotal: 4_000,
    tradesCompleted: 0,
    tradesDisputed: 0,
    tradesCancelled: 0,
    chargebacks: 0,
    counterfeitReports: 0,
    alertSeverity: -1,
    ...changes,
  }
}

/** The default policy's decision; `verdict` may be `allow`. */
export function decide(features: Features): DescribedDecision {
  const card = newScoreCard()
  score(features, compiled, card)
  return describeDecision(features, compiled, card)
}

/** Points of a signal in a decision, 0 if it did not fire. */
export function pointsOf(features: Features, code: string): number {
  return decide(features).signals.find((signal) => signal.code === code)?.points ?? 0
}
