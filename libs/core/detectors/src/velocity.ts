import type { DetectorPolicies } from '@riskledger/policy'
import { WINDOW_NAMES, WINDOW_WIDTHS_MS, type Features, type WindowFeatures } from '@riskledger/profiles'
import { BandTable } from './band-table'
import { minorUnit, number, windowed, type CodeOf, type SignalEvidence } from './evidence'
import { MAX_TABLED_COUNT, unlikelyBelowMean } from './poisson-tail'
import { addSignal, type ScoreCard } from './score-card'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

type Events = DetectorPolicies['velocity']['counts'][number]['events']
type Distinct = DetectorPolicies['velocity']['distinct'][number]['of']

interface WindowRule {
  readonly code: number
  readonly name: string
  readonly measure: 'count' | 'sum'
  readonly events: Events
  readonly window: number
  readonly onlyIfUnlikely: boolean
  readonly table: BandTable
}

interface DistinctRule {
  readonly code: number
  readonly name: string
  readonly of: Distinct
  readonly table: BandTable
}

/** The velocity policy, its rules sorted by the topic whose events they watch. */
export interface CompiledVelocity {
  readonly currency: string
  readonly payments: readonly WindowRule[]
  readonly trades: readonly WindowRule[]
  readonly logins: readonly WindowRule[]
  readonly distinct: readonly DistinctRule[]
  readonly leastPerDayMilli: number
  readonly unlikelyBelow: Float64Array
}

/** Prepares the rules and the table of Poisson tails. */
export function compileVelocity(policy: DetectorPolicies['velocity'], codeOf: CodeOf, currency: string): CompiledVelocity {
  const rules: WindowRule[] = []
  for (const rule of policy.counts) rules.push(windowRule(rule, 'count', codeOf))
  for (const rule of policy.sums) rules.push(windowRule({ ...rule, onlyIfUnlikely: false }, 'sum', codeOf))
  return {
    currency,
    payments: rules.filter((rule) => rule.events === 'payments' || rule.events === 'small-payments'),
    trades: rules.filter((rule) => rule.events === 'trades'),
    logins: rules.filter((rule) => rule.events === 'logins' || rule.events === 'failed-logins'),
    distinct: policy.distinct.map((rule) => ({ code: codeOf(rule.code), name: rule.code, of: rule.of, table: new BandTable(rule.bands) })),
    leastPerDayMilli: policy.leastExpectedPerDayMilli,
    unlikelyBelow: unlikelyBelowMean(policy.tailAlphaPpb),
  }
}

function windowRule(rule: DetectorPolicies['velocity']['counts'][number], measure: 'count' | 'sum', codeOf: CodeOf): WindowRule {
  const { code, events, onlyIfUnlikely, bands } = rule
  return { code: codeOf(code), name: code, measure, events, window: WINDOW_NAMES.indexOf(rule.window), onlyIfUnlikely, table: new BandTable(bands) }
}

/**
 * How much, how fast. Each topic's rules look at windows of its own events: counts and sums over a policy cap, and, where the rule says
 * so, only if that many are unlikely at the account's own rate. A new account is held to the policy's least rate, so an ordinary first
 * day is no burst. An event that came later than the grace has no windows and gets nothing.
 */
export function scoreVelocity(features: Features, compiled: CompiledVelocity, card: ScoreCard): void {
  if (features.late) return
  const rules = features.topic === 'payments' ? compiled.payments : features.topic === 'logins' ? compiled.logins : compiled.trades
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    const of = windowOf(features, rule.events)
    const value = rule.measure === 'count' ? of.counts[rule.window] : of.sumsMinor[rule.window]
    if (value < rule.table.first) continue
    if (rule.onlyIfUnlikely && !isUnlikely(features, compiled, rule)) continue
    addSignal(card, rule.code, rule.table.pointsAt(value))
  }
  if (features.topic === 'logins') return
  for (let i = 0; i < compiled.distinct.length; i++) {
    const rule = compiled.distinct[i]
    const value = distinctOf(features, rule.of)
    if (value >= rule.table.first) addSignal(card, rule.code, rule.table.pointsAt(value))
  }
}

/** The numbers behind a velocity signal. */
export function describeVelocity(features: Features, compiled: CompiledVelocity, name: string): SignalEvidence {
  const rule = [...compiled.payments, ...compiled.trades, ...compiled.logins].find((one) => one.name === name)
  if (rule !== undefined) return describeWindow(features, compiled, rule)
  const distinct = compiled.distinct.find((one) => one.name === name)!
  const value = distinctOf(features, distinct.of)
  const widthMs = distinct.of === 'counterparties-1h' ? HOUR_MS : DAY_MS
  const counted = windowed(features, number(`distinct-${distinct.of.slice(0, -3)}`, value, 'count'), { widthMs, exact: value < 64 })
  return { features: [counted], threshold: { value: distinct.table.passed(value), unit: 'count' }, historyCount: 0 }
}

function describeWindow(features: Features, compiled: CompiledVelocity, rule: WindowRule): SignalEvidence {
  const of = windowOf(features, rule.events)
  const unit = rule.measure === 'count' ? 'count' : minorUnit(compiled.currency)
  const value = rule.measure === 'count' ? of.counts[rule.window] : of.sumsMinor[rule.window]
  const window = { widthMs: WINDOW_WIDTHS_MS[rule.window], exact: of.exact[rule.window] }
  const perDayMilli = rateOf(features, rule.events)
  return {
    features: [windowed(features, number(`${rule.events}-${rule.measure}`, value, unit), window), number('usual-per-day', perDayMilli, 'milli-events')],
    threshold: { value: rule.table.passed(value), unit },
    historyCount: of.counts[WINDOW_NAMES.length - 1],
  }
}

function isUnlikely(features: Features, compiled: CompiledVelocity, rule: WindowRule): boolean {
  const count = windowOf(features, rule.events).counts[rule.window]
  const perDayMilli = Math.max(compiled.leastPerDayMilli, rateOf(features, rule.events))
  const expected = (perDayMilli * WINDOW_WIDTHS_MS[rule.window]) / (DAY_MS * 1000)
  return expected < compiled.unlikelyBelow[Math.min(count, MAX_TABLED_COUNT)]
}

function windowOf(features: Features, events: Events): WindowFeatures {
  switch (events) {
    case 'payments':
      return features.payments
    case 'trades':
      return features.trades
    case 'logins':
      return features.logins
    case 'failed-logins':
      return features.failedLogins
    case 'small-payments':
      return features.smallPayments
    default:
      return events satisfies never
  }
}

function rateOf(features: Features, events: Events): number {
  if (events === 'trades') return features.tradesPerDayMilli
  if (events === 'payments' || events === 'small-payments') return features.paymentsPerDayMilli
  return features.loginsPerDayMilli
}

function distinctOf(features: Features, of: Distinct): number {
  switch (of) {
    case 'counterparties-1h':
      return features.distinctCounterparties1h
    case 'counterparties-1d':
      return features.distinctCounterparties1d
    case 'instruments-1d':
      return features.distinctInstruments1d
    case 'devices-1d':
      return features.distinctDevices1d
    default:
      return of satisfies never
  }
}
