import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { BandTable, roundHalfEven } from './band-table'
import { fromMilli, minorUnit, number, windowed, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

const HOUR_MS = 3_600_000
const WEEK_MS = 604_800_000

/** The amount policy with its tables. */
export interface CompiledAmountDeviation {
  readonly currency: string
  readonly knownPaymentsAtLeast: number
  readonly habitMilliCountAtLeast: number
  readonly evidenceFrom: number
  readonly farFromHabit: number
  readonly beyondLargest: number
  readonly pending: number
  readonly afterFraud: number
  readonly abovePercentile: number
  readonly abovePopulation: number
  readonly distanceTable: BandTable
  readonly largestTable: BandTable
  readonly pendingTable: BandTable
  readonly afterFraudTable: BandTable
  readonly percentileTable: BandTable
  readonly populationTable: BandTable
}

/** Prepares the tables. */
export function compileAmountDeviation(
  policy: DetectorPolicies['amount-deviation'],
  codeOf: CodeOf,
  currency: string,
): CompiledAmountDeviation {
  return {
    currency,
    knownPaymentsAtLeast: policy.knownPaymentsAtLeast,
    habitMilliCountAtLeast: policy.habitMilliCountAtLeast,
    evidenceFrom: policy.evidenceFromHabitDistanceCenti,
    farFromHabit: codeOf('far-from-habit'),
    beyondLargest: codeOf('beyond-largest'),
    pending: codeOf('odd-amounts-pending'),
    afterFraud: codeOf('after-known-fraud'),
    abovePercentile: codeOf('above-percentile'),
    abovePopulation: codeOf('above-population'),
    distanceTable: new BandTable(policy['far-from-habit'].bands),
    largestTable: new BandTable(policy['beyond-largest'].bands),
    pendingTable: new BandTable(policy['odd-amounts-pending'].bands),
    afterFraudTable: new BandTable(policy['after-known-fraud'].bands),
    percentileTable: new BandTable(policy['above-percentile'].bands),
    populationTable: new BandTable(policy['above-population'].bands),
  }
}

/**
 * The amount against the account's habit. With enough payments known to be legitimate: the distance from their mean and the ratio to the
 * largest, and, for an amount that is odd already, odd amounts that still wait for their label and a recent known fraud. With less: the
 * ratio to the habit's percentile; a new account: to everybody's. An amount not above the largest known legitimate one earns nothing,
 * whatever its distance (a monthly rent), nor does a payment that comes in.
 */
export function scoreAmountDeviation(features: Features, compiled: CompiledAmountDeviation, card: ScoreCard): void {
  const { amountMinor, ratioToLargestPermille } = features
  if (amountMinor <= 0 || features.late) return
  if (features.topic === 'payments' && features.direction === 'credit') return
  if (features.topic === 'payments' && features.knownLegitimateCount >= compiled.knownPaymentsAtLeast) {
    const distance = features.habitDistanceCenti
    if (distance < compiled.evidenceFrom || ratioToLargestPermille <= 1000) return
    addSignal(card, compiled.farFromHabit, compiled.distanceTable.pointsAt(distance))
    addSignal(card, compiled.beyondLargest, compiled.largestTable.pointsAt(ratioToLargestPermille))
    if (features.pendingEvidencePermille >= 0)
      addSignal(card, compiled.pending, compiled.pendingTable.pointsAt(features.pendingEvidencePermille))
    if (features.msSinceLastKnownFraud >= 0) {
      addSignal(card, compiled.afterFraud, compiled.afterFraudTable.pointsAt(Math.floor(features.msSinceLastKnownFraud / HOUR_MS)))
    }
    return
  }
  if (ratioToLargestPermille >= 0 && ratioToLargestPermille <= 1000) return
  if (features.amountHabitMilliCount >= compiled.habitMilliCountAtLeast) {
    addSignal(card, compiled.abovePercentile, compiled.percentileTable.pointsAt(permilleOf(amountMinor, features.amountPercentileMinor)))
  } else {
    addSignal(
      card,
      compiled.abovePopulation,
      compiled.populationTable.pointsAt(permilleOf(amountMinor, features.populationPercentileMinor)),
    )
  }
}

/** The numbers behind an amount signal. */
export function describeAmountDeviation(features: Features, compiled: CompiledAmountDeviation, code: string): SignalEvidence {
  const unit = minorUnit(compiled.currency)
  const amount = number('amount', features.amountMinor, unit)
  const known = features.knownLegitimateCount
  const habitCount = fromMilli(features.amountHabitMilliCount)
  switch (code) {
    case 'far-from-habit': {
      const usual = [
        number('usual-amount', features.knownLegitimateMeanMinor, unit),
        number('percentile', features.amountPercentileMinor, unit),
      ]
      const distance = number('habit-distance', features.habitDistanceCenti, 'centi-deviations')
      return {
        features: [amount, ...usual, distance],
        threshold: { value: compiled.distanceTable.passed(distance.value), unit: distance.unit },
        historyCount: known,
      }
    }
    case 'beyond-largest':
      return permille('ratio-to-largest', features.ratioToLargestPermille, { table: compiled.largestTable, historyCount: known })
    case 'odd-amounts-pending': {
      const pending = permille('largest-unlabelled-ratio', features.pendingEvidencePermille, {
        table: compiled.pendingTable,
        historyCount: known,
      })
      return { ...pending, features: pending.features.map((feature) => windowed(features, feature, { widthMs: WEEK_MS, exact: true })) }
    }
    case 'after-known-fraud': {
      const hours = Math.floor(features.msSinceLastKnownFraud / HOUR_MS)
      return { features: [number('since-known-fraud', hours, 'hours')], threshold: null, historyCount: known }
    }
    case 'above-percentile': {
      const usual = [number('usual-amount', features.amountMedianMinor, unit), number('percentile', features.amountPercentileMinor, unit)]
      const ratio = permille('ratio-to-percentile', permilleOf(features.amountMinor, features.amountPercentileMinor), {
        table: compiled.percentileTable,
        historyCount: habitCount,
      })
      return { ...ratio, features: [amount, ...usual, ...ratio.features] }
    }
    default: {
      const usual = [
        number('usual-amount', features.populationMedianMinor, unit),
        number('percentile', features.populationPercentileMinor, unit),
      ]
      const ratio = permille('ratio-to-percentile', permilleOf(features.amountMinor, features.populationPercentileMinor), {
        table: compiled.populationTable,
        historyCount: habitCount,
      })
      return { ...ratio, features: [amount, ...usual, ...ratio.features] }
    }
  }
}

function permille(name: string, value: number, of: { readonly table: BandTable; readonly historyCount: number }): SignalEvidence {
  return {
    features: [number(name, value, 'permille')],
    threshold: { value: of.table.passed(value), unit: 'permille' },
    historyCount: of.historyCount,
  }
}

/** Thousandths of a limit, at most 1,000,000; 0 where there is no limit yet. */
function permilleOf(amountMinor: number, limitMinor: number): number {
  return limitMinor <= 0 ? 0 : Math.min(1_000_000, roundHalfEven((amountMinor * 1000) / limitMinor))
}
