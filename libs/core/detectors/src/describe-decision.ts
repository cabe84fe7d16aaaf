import type { Verdict } from '@riskledger/contracts'
import type { DecisionCombinationInput, DecisionSignalInput } from '@riskledger/events'
import type { Features } from '@riskledger/profiles'
import { describeAccess } from './access-signals'
import { describeOperator } from './account-operator-mismatch'
import { describeAmountDeviation } from './amount-deviation'
import type { CompiledPolicy } from './compile-policy'
import { describeCounterparty } from './counterparty-reputation'
import type { SignalEvidence } from './evidence'
import { describeAlerts } from './external-alert'
import { describeLateNight } from './late-night-deviation'
import { describeLiveness } from './liveness'
import type { ScoreCard } from './score-card'
import { describeVelocity } from './velocity'
import type { PolicySignal } from '@riskledger/policy'

/** What a decision says of itself, in the fields of the ledger's `DecisionMade`. */
export interface DescribedDecision {
  readonly verdict: Verdict
  readonly scorePoints: number
  /** Those with points, weightiest first. */
  readonly signals: readonly DecisionSignalInput[]
  readonly combinations: readonly DecisionCombinationInput[]
  /** Codes of signals and combinations that speak against the event, weightiest first. */
  readonly reasonCodes: readonly string[]
}

/** The evidence of a card that `score` has just filled from these very features. Allocates: for verdicts other than `allow`. */
export function describeDecision(features: Features, compiled: CompiledPolicy, card: ScoreCard): DescribedDecision {
  const signals: DecisionSignalInput[] = []
  for (let i = 0; i < card.signalCount; i++) {
    const signal = compiled.signals[card.codes[i]]
    signals.push({ detector: signal.detector, code: signal.code, points: card.points[i], ...evidenceOf(features, compiled, signal) })
  }
  signals.sort((a, b) => b.points - a.points)
  const combinations: DecisionCombinationInput[] = []
  for (let i = 0; i < card.combinationCount; i++) combinations.push(describeCombination(compiled, card, card.combinations[i]))
  const reasons = [...signals, ...combinations].filter((reason) => reason.points > 0).sort((a, b) => b.points - a.points)
  return { verdict: card.verdict, scorePoints: card.scorePoints, signals, combinations, reasonCodes: reasons.map((reason) => reason.code) }
}

function describeCombination(compiled: CompiledPolicy, card: ScoreCard, place: number): DecisionCombinationInput {
  const { name, points, rows, fromPoints } = compiled.combinations[place]
  const fired = rows.flatMap((row) => [...row].filter((code) => card.pointsByCode[code] >= fromPoints))
  return { code: name, points, of: fired.map((code) => compiled.signals[code].code) }
}

function evidenceOf(features: Features, compiled: CompiledPolicy, signal: PolicySignal): SignalEvidence {
  switch (signal.detector) {
    case 'velocity':
      return describeVelocity(features, compiled.velocity, signal.code)
    case 'amount-deviation':
      return describeAmountDeviation(features, compiled.amount, signal.code)
    case 'late-night-deviation':
      return describeLateNight(features, compiled.lateNight, signal.code)
    case 'counterparty-reputation':
      return describeCounterparty(features, compiled.counterparty, signal.code)
    case 'account-operator-mismatch':
      return describeOperator(features, compiled.operator, signal.code)
    case 'external-alert':
      return describeAlerts(features, compiled.alerts, signal.code)
    case 'liveness':
      return describeLiveness(features, compiled.liveness, signal.code)
    case 'access-signals':
      return describeAccess(features, compiled.access, signal.code)
    default:
      return signal.detector satisfies never
  }
}
