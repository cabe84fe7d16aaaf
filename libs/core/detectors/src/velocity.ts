import { DISTINCT_COUNTS, VELOCITY_EVENTS, type DetectorPolicies } from '@riskledger/policy'
import { WINDOW_NAMES, WINDOW_WIDTHS_MS, exposureDays, type Features, type WindowFeatures } from '@riskledger/profiles'
import { BandTable } from './band-table'
import { decayedDays } from './decayed-days'
import { minorUnit, number, windowed, type CodeOf, type SignalEvidence } from './evidence'
import { unlikelyBelowAt, unlikelyBelowMean } from './poisson-tail'
import { addSignal, type ScoreCard } from './score-card'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Where a window is longer than so many half-lives, too little is left of what came before it to tell a rate. */
const MOST_HALF_LIVES = 3

/** Places in `VELOCITY_EVENTS` and `DISTINCT_COUNTS`: comparing strings for each rule and event costs more than all the rest. */
const PAYMENTS = VELOCITY_EVENTS.indexOf('payments')
const TRADES = VELOCITY_EVENTS.indexOf('trades')
const LOGINS = VELOCITY_EVENTS.indexOf('logins')
const FAILED_LOGINS = VELOCITY_EVENTS.indexOf('failed-logins')
const SMALL_PAYMENTS = VELOCITY_EVENTS.indexOf('small-payments')
const COUNTERPARTIES_1H = DISTINCT_COUNTS.indexOf('counterparties-1h')
const COUNTERPARTIES_1D = DISTINCT_COUNTS.indexOf('counterparties-1d')
const INSTRUMENTS_1D = DISTINCT_COUNTS.indexOf('instruments-1d')

interface WindowRule {
  readonly code: number
  readonly name: string
  readonly isSum: boolean
  /** Place in `VELOCITY_EVENTS`. */
  readonly events: number
  readonly window: number
  readonly onlyIfUnlikely: boolean
  readonly table: BandTable
}

interface DistinctRule {
  readonly code: number
  readonly name: string
  /** Place in `DISTINCT_COUNTS`. */
  readonly of: number
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
  readonly habitHalfLifeMs: number
  /** By window: the mean weight of the events that it holds and the next shorter one does not, lying evenly. */
  readonly layerWeights: readonly number[]
  readonly unlikelyBelow: Float64Array
}

/** Prepares the rules and the table of Poisson tails. */
export function compileVelocity(
  policy: DetectorPolicies['velocity'],
  codeOf: CodeOf,
  by: { readonly currency: string; readonly habitHalfLifeMs: number },
): CompiledVelocity {
  const rules: WindowRule[] = []
  for (const rule of policy.counts) rules.push(windowRule(rule, false, codeOf))
  for (const rule of policy.sums) rules.push(windowRule({ ...rule, onlyIfUnlikely: false }, true, codeOf))
  return {
    ...by,
    payments: rules.filter((rule) => rule.events === PAYMENTS || rule.events === SMALL_PAYMENTS),
    trades: rules.filter((rule) => rule.events === TRADES),
    logins: rules.filter((rule) => rule.events === LOGINS || rule.events === FAILED_LOGINS),
    distinct: policy.distinct.map((rule) => ({
      code: codeOf(rule.code),
      name: rule.code,
      of: DISTINCT_COUNTS.indexOf(rule.of),
      table: new BandTable(rule.bands),
    })),
    leastPerDayMilli: policy.leastExpectedPerDayMilli,
    layerWeights: layerWeights(by.habitHalfLifeMs),
    unlikelyBelow: unlikelyBelowMean(policy.tailAlphaPpb),
  }
}

function windowRule(rule: DetectorPolicies['velocity']['counts'][number], isSum: boolean, codeOf: CodeOf): WindowRule {
  const { code, onlyIfUnlikely, bands } = rule
  const events = VELOCITY_EVENTS.indexOf(rule.events)
  return {
    code: codeOf(code),
    name: code,
    isSum,
    events,
    window: WINDOW_NAMES.indexOf(rule.window),
    onlyIfUnlikely,
    table: new BandTable(bands),
  }
}

function layerWeights(halfLifeMs: number): number[] {
  return WINDOW_WIDTHS_MS.map((widthMs, window) => {
    const innerMs = window === 0 ? 0 : WINDOW_WIDTHS_MS[window - 1]
    return (decayedDays(widthMs, halfLifeMs) - decayedDays(innerMs, halfLifeMs)) / ((widthMs - innerMs) / DAY_MS)
  })
}

/**
 * How much, how fast. Each topic's rules look at windows of its own events: counts and sums over a policy cap, and, where the rule says
 * so, only if that many are unlikely at the rate that the account had before the window, nobody being held to less than the policy's least
 * rate: a new account has no other, and an ordinary first day is no burst. An event that came later than the grace has no windows and gets nothing.
 */
export function scoreVelocity(features: Features, compiled: CompiledVelocity, card: ScoreCard): void {
  if (features.late) return
  const rules = features.topic === 'payments' ? compiled.payments : features.topic === 'logins' ? compiled.logins : compiled.trades
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    const of = windowOf(features, rule.events)
    const value = rule.isSum ? of.sumsMinor[rule.window] : of.counts[rule.window]
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
  const widthMs = distinct.of === COUNTERPARTIES_1H ? HOUR_MS : DAY_MS
  const counted = windowed(features, number(`distinct-${DISTINCT_COUNTS[distinct.of].slice(0, -3)}`, value, 'count'), {
    widthMs,
    exact: value < 64,
  })
  return { features: [counted], threshold: { value: distinct.table.passed(value), unit: 'count' }, historyCount: 0 }
}

function describeWindow(features: Features, compiled: CompiledVelocity, rule: WindowRule): SignalEvidence {
  const of = windowOf(features, rule.events)
  const unit = rule.isSum ? minorUnit(compiled.currency) : 'count'
  const value = rule.isSum ? of.sumsMinor[rule.window] : of.counts[rule.window]
  const window = { widthMs: WINDOW_WIDTHS_MS[rule.window], exact: of.exact[rule.window] }
  const measured = windowed(features, number(`${VELOCITY_EVENTS[rule.events]}-${rule.isSum ? 'sum' : 'count'}`, value, unit), window)
  const perDayMilli = Math.round(expectedPerDayMilli(features, compiled, rule))
  return {
    features: rule.onlyIfUnlikely ? [measured, number('expected-per-day', perDayMilli, 'milli-events')] : [measured],
    threshold: { value: rule.table.passed(value), unit },
    historyCount: of.counts[WINDOW_NAMES.length - 1],
  }
}

function isUnlikely(features: Features, compiled: CompiledVelocity, rule: WindowRule): boolean {
  const count = windowOf(features, rule.events).counts[rule.window]
  const expected = (expectedPerDayMilli(features, compiled, rule) * WINDOW_WIDTHS_MS[rule.window]) / (DAY_MS * 1000)
  return expected < unlikelyBelowAt(compiled.unlikelyBelow, count)
}

/** The rate by which a rule's count is judged, in thousandths a day. */
function expectedPerDayMilli(features: Features, compiled: CompiledVelocity, rule: WindowRule): number {
  return Math.max(compiled.leastPerDayMilli, rateBefore(features, compiled, rule))
}

/**
 * The account's rate before the rule's window, in thousandths a day: what the window holds, this event apart, taken out of the habit, and its
 * width out of the time. 0 where there was no such time, or it is forgotten. Over at least the day before the window, so that a few events right
 * before it are no rate.
 */
function rateBefore(features: Features, compiled: CompiledVelocity, rule: WindowRule): number {
  const { habitHalfLifeMs } = compiled
  const { historyMs } = features
  const widthMs = WINDOW_WIDTHS_MS[rule.window]
  if (historyMs <= widthMs || widthMs > MOST_HALF_LIVES * habitHalfLifeMs) return 0
  const weightMilli = rateOf(features, rule.events) * exposureDays(historyMs, habitHalfLifeMs)
  const days = decayedDays(Math.max(historyMs, widthMs + DAY_MS), habitHalfLifeMs) - decayedDays(widthMs, habitHalfLifeMs)
  return Math.max(0, weightMilli - 1000 * weightWithin(features, compiled, rule)) / days
}

/** Weight in the habit of the events in the window, layer by layer between the widths of shorter ones: a burst is mostly in an inner one. */
function weightWithin(features: Features, compiled: CompiledVelocity, rule: WindowRule): number {
  const present = isLearned(features) ? 1 : 0
  let weight = 0
  let inner = 0
  for (let window = 0; window <= rule.window; window++) {
    const count = Math.max(inner, learnedOf(features, rule.events, window) - present)
    weight += (count - inner) * compiled.layerWeights[window]
    inner = count
  }
  return weight
}

/** False where the event at hand is none that rates count, nor windows of those that they do. */
function isLearned({ topic, outcome, kind, phase }: Features): boolean {
  if (topic === 'logins') return outcome !== 'failed' && outcome !== 'blocked'
  return kind !== 'refund' && phase !== 'refunded' && phase !== 'cancelled'
}

/** Events in the window that the rate counts too: all payments, where the rule counts small ones; of logins those that did not fail. */
function learnedOf(features: Features, events: number, window: number): number {
  if (events === TRADES) return features.trades.counts[window]
  if (events === PAYMENTS || events === SMALL_PAYMENTS) return features.payments.counts[window]
  return features.logins.counts[window] - features.failedLogins.counts[window]
}

function windowOf(features: Features, events: number): WindowFeatures {
  if (events === PAYMENTS) return features.payments
  if (events === SMALL_PAYMENTS) return features.smallPayments
  if (events === TRADES) return features.trades
  return events === LOGINS ? features.logins : features.failedLogins
}

function rateOf(features: Features, events: number): number {
  if (events === TRADES) return features.tradesPerDayMilli
  return events === PAYMENTS || events === SMALL_PAYMENTS ? features.paymentsPerDayMilli : features.loginsPerDayMilli
}

function distinctOf(features: Features, of: number): number {
  if (of === COUNTERPARTIES_1H) return features.distinctCounterparties1h
  if (of === COUNTERPARTIES_1D) return features.distinctCounterparties1d
  return of === INSTRUMENTS_1D ? features.distinctInstruments1d : features.distinctDevices1d
}
