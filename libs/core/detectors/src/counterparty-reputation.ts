import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { BandTable, roundHalfEven } from './band-table'
import { evidence, number, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

const HOUR_MS = 3_600_000
const ONE = 65_536

type Fact = NonNullable<Features['counterparty']>

/** The counterparty policy with its tables. */
export interface CompiledCounterparty {
  readonly zCenti: number
  readonly unknownBelow: number
  readonly unknownPoints: number
  readonly rateScale: number
  readonly codes: Readonly<Record<CounterpartyCode, number>>
  readonly streak: BandTable
  readonly rate: BandTable
  readonly mixed: BandTable
  readonly recent: BandTable
  readonly longKnown: BandTable
  readonly longKnownNotWithinMs: number
  readonly disputes: BandTable
  readonly chargebacks: BandTable
  readonly counterfeits: BandTable
  readonly alerts: BandTable
}

const CODES = [
  'unknown-counterparty',
  'fraud-streak',
  'fraud-rate',
  'fraud-rate-mixed',
  'recent-fraud',
  'long-known-fraud',
  'disputed-trades',
  'charged-back',
  'reported-counterfeit',
  'counterparty-alerted',
] as const
type CounterpartyCode = (typeof CODES)[number]

/** Prepares the tables. */
export function compileCounterparty(policy: DetectorPolicies['counterparty-reputation'], codeOf: CodeOf): CompiledCounterparty {
  return {
    zCenti: policy.lowerBoundZCenti,
    unknownBelow: policy['unknown-counterparty'].paymentsBelow,
    unknownPoints: policy['unknown-counterparty'].points,
    rateScale: policy['fraud-rate'].priorPayments * ONE,
    codes: Object.fromEntries(CODES.map((code) => [code, codeOf(code)])) as Record<CounterpartyCode, number>,
    streak: new BandTable(policy['fraud-streak'].bands),
    rate: new BandTable(policy['fraud-rate'].bands),
    mixed: new BandTable(policy['fraud-rate-mixed'].bands),
    recent: new BandTable(policy['recent-fraud'].bands),
    longKnown: new BandTable(policy['long-known-fraud'].bands),
    longKnownNotWithinMs: policy['long-known-fraud'].notWithinMs ?? 0,
    disputes: new BandTable(policy['disputed-trades'].bands),
    chargebacks: new BandTable(policy['charged-back'].bands),
    counterfeits: new BandTable(policy['reported-counterfeit'].bands),
    alerts: new BandTable(policy['counterparty-alerted'].bands),
  }
}

/**
 * What relations know of the counterparty. Its newest known payments weigh most: frauds in a row mean that it is being used now, one
 * legitimate payment after them that it is over, so the rate counts little then; many frauds and none of late, that it is likely repaired. Rates are shrunk by a prior, so that one fraud is no
 * verdict on a small merchant; dispute rates enter at their lower bound. An unknown counterparty is a small signal of its own.
 */
export function scoreCounterparty(features: Features, compiled: CompiledCounterparty, card: ScoreCard): void {
  if (features.topic === 'logins') return
  const fact = features.counterparty
  const { codes } = compiled
  if (fact === null || fact.paymentCount < compiled.unknownBelow) addSignal(card, codes['unknown-counterparty'], compiled.unknownPoints)
  if (fact === null) return
  if (fact.lastKnownFraudMs >= 0) scoreFrauds(features, fact, { compiled, card })
  if (fact.tradesDisputed > 0)
    addSignal(card, codes['disputed-trades'], compiled.disputes.pointsAt(disputedPermille(fact, compiled.zCenti)))
  if (fact.chargebacks > 0) addSignal(card, codes['charged-back'], compiled.chargebacks.pointsAt(fact.chargebacks))
  if (fact.counterfeitReports > 0) addSignal(card, codes['reported-counterfeit'], compiled.counterfeits.pointsAt(fact.counterfeitReports))
  if (fact.alertSeverity > 0) addSignal(card, codes['counterparty-alerted'], compiled.alerts.pointsAt(fact.alertSeverity))
}

function scoreFrauds(features: Features, fact: Fact, on: { readonly compiled: CompiledCounterparty; readonly card: ScoreCard }): void {
  const { compiled, card } = on
  const { codes } = compiled
  const streak = streakOf(fact)
  if (streak === 0) {
    addSignal(card, codes['fraud-rate-mixed'], compiled.mixed.pointsAt(rate7dPermille(fact, compiled)))
    return
  }
  addSignal(card, codes['fraud-streak'], compiled.streak.pointsAt(streak))
  addSignal(card, codes['fraud-rate'], compiled.rate.pointsAt(rate3dPermille(fact, compiled)))
  addSignal(card, codes['recent-fraud'], compiled.recent.pointsAt(hoursSince(features, fact.lastKnownFraudMs)))
  if (Math.max(0, features.eventTimeMs - fact.lastKnownFraudMs) >= compiled.longKnownNotWithinMs)
    addSignal(card, codes['long-known-fraud'], compiled.longKnown.pointsAt(milliOf(fact.frauds7d)))
}

/** The numbers behind a counterparty signal. */
export function describeCounterparty(features: Features, compiled: CompiledCounterparty, code: string): SignalEvidence {
  const fact = features.counterparty
  if (fact === null) return evidence([number('payments', 0, 'count')])
  const known = fact.fraudTotal + fact.legitimateTotal
  const held = (feature: ReturnType<typeof number>, table: BandTable, historyCount: number): SignalEvidence => ({
    features: [feature],
    threshold: { value: table.passed(feature.value), unit: feature.unit },
    historyCount,
  })
  switch (code as CounterpartyCode) {
    case 'unknown-counterparty':
      return {
        features: [number('payments', fact.paymentCount, 'count')],
        threshold: { value: compiled.unknownBelow, unit: 'count' },
        historyCount: fact.paymentCount,
      }
    case 'fraud-streak':
      return held(number('frauds-in-a-row', streakOf(fact), 'count'), compiled.streak, known)
    case 'fraud-rate':
      return held(number('fraud-rate-3d', rate3dPermille(fact, compiled), 'permille'), compiled.rate, known)
    case 'fraud-rate-mixed':
      return held(number('fraud-rate-7d', rate7dPermille(fact, compiled), 'permille'), compiled.mixed, known)
    case 'recent-fraud':
      return held(number('since-known-fraud', hoursSince(features, fact.lastKnownFraudMs), 'hours'), compiled.recent, known)
    case 'long-known-fraud': {
      const frauds = held(number('frauds-decayed-7d', milliOf(fact.frauds7d), 'milli-events'), compiled.longKnown, known)
      const hours = hoursSince(features, fact.lastKnownFraudMs)
      return { ...frauds, features: [...frauds.features, number('since-known-fraud', hours, 'hours')] }
    }
    case 'disputed-trades': {
      const trades = fact.tradesCompleted + fact.tradesDisputed + fact.tradesCancelled
      const rate = held(number('disputed-lower-bound', disputedPermille(fact, compiled.zCenti), 'permille'), compiled.disputes, trades)
      return { ...rate, features: [...rate.features, number('disputed', fact.tradesDisputed, 'count')] }
    }
    case 'charged-back':
      return held(number('chargebacks', fact.chargebacks, 'count'), compiled.chargebacks, fact.paymentCount)
    case 'reported-counterfeit':
      return held(number('counterfeit-reports', fact.counterfeitReports, 'count'), compiled.counterfeits, fact.paymentCount)
    case 'counterparty-alerted':
      return held(number('severity', fact.alertSeverity, 'severity'), compiled.alerts, fact.paymentCount)
    default:
      return code as never
  }
}

/** How many of the newest known payments were fraud, in a row; at most 8. */
function streakOf(fact: Fact): number {
  let streak = 0
  while (streak < fact.fraudRegisterLength && ((fact.fraudRegister >> streak) & 1) === 1) streak++
  return streak
}

/** Unexplained frauds among known payments, decayed, the prior's payments counted as legitimate. Both decay alike, so the time does not matter. */
function rate3dPermille(fact: Fact, compiled: CompiledCounterparty): number {
  return roundHalfEven((fact.frauds3d * 1000) / (fact.known3d + compiled.rateScale))
}

function rate7dPermille(fact: Fact, compiled: CompiledCounterparty): number {
  return roundHalfEven((fact.frauds7d * 1000) / (fact.known7d + compiled.rateScale))
}

function milliOf(fixed: number): number {
  return roundHalfEven((fixed * 1000) / ONE)
}

function hoursSince(features: Features, sinceMs: number): number {
  return Math.max(0, Math.floor((features.eventTimeMs - sinceMs) / HOUR_MS))
}

/** Mean less z standard deviations of the Beta posterior (uniform prior) of the share of trades that were disputed, thousandths. */
function disputedPermille(fact: Fact, zCenti: number): number {
  const a = fact.tradesDisputed + 1
  const b = fact.tradesCompleted + fact.tradesCancelled + 1
  const n = a + b
  const lower = a / n - (zCenti / 100) * Math.sqrt((a * b) / (n * n * (n + 1)))
  return Math.max(0, roundHalfEven(lower * 1000))
}
