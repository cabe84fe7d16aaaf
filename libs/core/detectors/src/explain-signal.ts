import type { DecisionSignalInput, EvidenceFeatureInput } from '@riskledger/events'
import { PLACE_MEMORY } from '@riskledger/profiles'
import { counted, duration, grouped, money, percent, scaled } from './spell-number'

const HOUR_MS = 3_600_000

/** A signal as a decision in the ledger holds it. */
export type ExplainableSignal = Pick<DecisionSignalInput, 'detector' | 'code' | 'features' | 'threshold' | 'historyCount'>

/**
 * One sentence, without a full stop, that tells a person what a recorded signal saw, with its numbers and units. It reads the record
 * alone, so it also explains decisions of other policies. A code that it does not know is told by its code and numbers.
 */
export function explainSignal(signal: ExplainableSignal): string {
  if (signal.detector === 'velocity') return explainVelocity(signal)
  const explain = Object.hasOwn(SENTENCES, signal.code) ? SENTENCES[signal.code] : undefined
  return explain === undefined ? plain(signal) : explain(signal)
}

const SENTENCES: Readonly<Record<string, (signal: ExplainableSignal) => string>> = {
  'far-from-habit': (signal) =>
    `${amountOf(signal, 'amount')} against a habit of ${amountOf(signal, 'usual-amount')} (mean of ${counted(signal.historyCount, 'legitimate payment')}); ${scaled(value(signal, 'habit-distance'), 2)} standard deviations out${timesPercentile(signal)}`,
  'beyond-largest': (signal) => `${scaled(value(signal, 'ratio-to-largest'), 3)} times the largest amount known to be legitimate`,
  'odd-amounts-pending': (signal) =>
    `another payment of the last 7 days, not settled as legitimate yet, was ${scaled(value(signal, 'largest-unlabelled-ratio'), 3)} times its mean`,
  'after-known-fraud': (signal) =>
    `the account's last payment known to be fraud was made ${ago(value(signal, 'since-known-fraud'), HOUR_MS)}`,
  'above-percentile': (signal) =>
    `${amountOf(signal, 'amount')} against a habit of ${amountOf(signal, 'usual-amount')} (median of ${counted(signal.historyCount, 'event')})${timesPercentile(signal)}`,
  'above-population': (signal) =>
    `${amountOf(signal, 'amount')} from an account with little history; ${scaled(value(signal, 'ratio-to-percentile'), 3)} times what nearly all accounts stay below (${amountOf(signal, 'percentile')})`,
  'unusual-hour': (signal) =>
    `${hour(value(signal, 'local-hour'))} holds about ${scaled(value(signal, 'habitual-share'), 4)} % of this account's ${counted(signal.historyCount, 'event')}${text(signal, 'offset-from') === 'utc' ? ' (local time not known: UTC)' : ''}`,
  'unusual-night-hour': (signal) =>
    `${hour(value(signal, 'local-hour'))} lies in the night (${hour(value(signal, 'night-from'))} to ${hour(value(signal, 'night-to'))}), when this account seldom acts`,
  'unknown-counterparty': (signal) => `the counterparty is nearly unknown: ${counted(value(signal, 'payments'), 'payment')} so far`,
  'fraud-streak': (signal) =>
    `the counterparty's newest known payments were frauds: ${grouped(value(signal, 'frauds-in-a-row'))} in a row (of ${grouped(signal.historyCount)} known)`,
  'fraud-rate': (signal) =>
    `${percent(value(signal, 'fraud-rate-3d'))} of the counterparty's payments that became known of late were frauds`,
  'fraud-rate-mixed': (signal) =>
    `${percent(value(signal, 'fraud-rate-7d'))} of the counterparty's recent known payments were frauds, the newest was not`,
  'recent-fraud': (signal) =>
    `the counterparty's last payment known to be fraud was made ${ago(value(signal, 'since-known-fraud'), HOUR_MS)}`,
  'long-known-fraud': (signal) =>
    `known frauds at this counterparty add up to ${scaled(value(signal, 'frauds-decayed-7d'), 3)} (each counts half after 7 d)${lastFraud(signal)}; it is likely repaired`,
  'disputed-trades': (signal) =>
    `${grouped(value(signal, 'disputed'))} of the counterparty's ${counted(signal.historyCount, 'trade')} ${value(signal, 'disputed') === 1 ? 'was' : 'were'} disputed (at least ${percent(value(signal, 'disputed-lower-bound'))})`,
  'charged-back': (signal) => `${counted(value(signal, 'chargebacks'), 'chargeback')} against the counterparty`,
  'reported-counterfeit': (signal) => `${counted(value(signal, 'counterfeit-reports'), 'report')} of counterfeits against the counterparty`,
  'counterparty-alerted': (signal) => `providers' alerts name the counterparty, severity ${grouped(value(signal, 'severity'))} of 1,000`,
  'new-device': (signal) =>
    `a device that is none of the account's last ${PLACE_MEMORY} (it has ${counted(value(signal, 'known-devices'), 'known device')})`,
  'new-network': (signal) => `a network that is none of the account's last ${PLACE_MEMORY}${suffix(text(signal, 'network-class'))}`,
  'new-country': (signal) => `a country that is none of the account's last ${PLACE_MEMORY} (${text(signal, 'country')})`,
  'odd-behaviour': (signal) =>
    `far from the account's usual interaction pattern: distance ${grouped(value(signal, 'behaviour-distance'))} of 1,000`,
  'odd-behaviour-at-login': (signal) =>
    `the login ${duration(value(signal, 'since-login'))} before was far from the account's usual interaction pattern: distance ${grouped(value(signal, 'behaviour-distance'))} of 1,000`,
  'login-from-new-device': (signal) =>
    `the login ${duration(value(signal, 'since-login'))} before came from a device that was none of the account's last ${PLACE_MEMORY}`,
  'unlike-the-account': (signal) =>
    `network, browser and device are unlike this account's ${counted(signal.historyCount, 'login')}: log likelihood ratio ${scaled(value(signal, 'log-ratio'), 2)}`,
  'session-device-differs': () => `not the device that opened the session`,
  'impossible-travel': (signal) =>
    `${grouped(value(signal, 'distance'))} km since the last login, at ${grouped(value(signal, 'speed'))} km/h`,
  'shared-device': (signal) =>
    `${atLeast(signal, 'accounts-of-device')}${counted(value(signal, 'accounts-of-device'), 'account')} use this device`,
  'device-of-fraud': (signal) =>
    `the device's last payment known to be fraud was made ${ago(value(signal, 'since-known-fraud'), 24 * HOUR_MS)}`,
  'payer-name-mismatch': () => `the payer's name is not the account holder's`,
  'price-off-market': (signal) => `the price is ${scaled(value(signal, 'price-deviation'), 2)} % off the market`,
  'event-alert': (signal) =>
    `a provider's alert names this event: ${text(signal, 'kind')}, severity ${grouped(value(signal, 'severity'))} of 1,000`,
  'account-alert': (signal) =>
    `a provider's alert names this account: ${text(signal, 'kind')}, severity ${grouped(value(signal, 'severity'))} of 1,000`,
  'counterparty-alert': (signal) =>
    `a provider's alert names the counterparty: ${text(signal, 'kind')}, severity ${grouped(value(signal, 'severity'))} of 1,000`,
  'liveness-failed': (signal) => `${counted(value(signal, 'failed-checks'), 'liveness check')} failed within a day`,
  'liveness-abandoned': (signal) => `${counted(value(signal, 'abandoned-checks'), 'liveness check')} abandoned within a day`,
  'liveness-attack': (signal) => `an attack on the liveness check within 7 days (${text(signal, 'attack')})`,
  'face-mismatch': () => `the face before the camera is not the owner's`,
  'liveness-passed': () => `a liveness check was passed after the failure`,
  'prohibited-region': (signal) => `access from ${text(signal, 'country')}, where the service may not be offered`,
  'masked-network': (signal) => `access through a network that hides its user (${text(signal, 'network-class')})`,
  'country-changed': (signal) =>
    `another country than at the login ${duration(value(signal, 'since-login'))} before (${text(signal, 'country')})`,
  'network-changed': (signal) => `another network than at the last login${suffix(text(signal, 'network-class'))}`,
  'blocked-login': () => `the login was blocked upstream`,
}

function explainVelocity(signal: ExplainableSignal): string {
  const [measured, rate] = signal.features
  const widthMs = (measured.toMs ?? 0) - (measured.fromMs ?? 0)
  const window = widthMs === 0 ? '' : ` in ${windowName(widthMs)}`
  const bound = measured.exact ? '' : 'at least '
  const what = measured.name.replace(/-(count|sum)$/, '').replace(/-/g, ' ')
  // `usual-per-day` stands in decisions that were recorded when the evidence was the account's own rate alone.
  const adjective = rate?.name === 'usual-per-day' ? 'usual' : 'expected'
  const atRate = rate === undefined ? '' : `; ${adjective} rate ${scaled(rate.value, 3)} a day`
  if (measured.unit.endsWith('-minor')) return `${bound}${spellAmount(measured)} of ${what}${window}${atRate}`
  const noun = measured.value === 1 ? what.replace(/s$/, '').replace(/ie$/, 'y') : what
  return `${bound}${grouped(measured.value)} ${noun}${window}${atRate}`
}

function windowName(widthMs: number): string {
  if (widthMs === 24 * HOUR_MS) return '1 d'
  return duration(widthMs)
}

function plain(signal: ExplainableSignal): string {
  const numbers = signal.features.map((feature) => `${feature.name} ${feature.text ?? `${grouped(feature.value)} ${feature.unit}`}`)
  return numbers.length === 0 ? signal.code : `${signal.code}: ${numbers.join(', ')}`
}

function find(signal: ExplainableSignal, name: string): EvidenceFeatureInput | undefined {
  return signal.features.find((feature) => feature.name === name)
}

function value(signal: ExplainableSignal, name: string): number {
  return find(signal, name)?.value ?? 0
}

function text(signal: ExplainableSignal, name: string): string {
  return find(signal, name)?.text ?? ''
}

function suffix(detail: string): string {
  return detail === '' || detail === 'unknown' ? '' : ` (${detail})`
}

function atLeast(signal: ExplainableSignal, name: string): string {
  return find(signal, name)?.exact === false ? 'at least ' : ''
}

function amountOf(signal: ExplainableSignal, name: string): string {
  const feature = find(signal, name)
  return feature === undefined ? 'an unknown amount' : spellAmount(feature)
}

function spellAmount(feature: EvidenceFeatureInput): string {
  return money(feature.value, feature.unit.replace(/-minor$/, ''))
}

/** How far above the habit's percentile; nothing below one and a half times it. */
function timesPercentile(signal: ExplainableSignal): string {
  const amount = value(signal, 'amount')
  const limit = value(signal, 'percentile')
  if (limit <= 0 || amount < limit + limit / 2) return ''
  const tenths = Math.round((amount * 10) / limit)
  return `; above the account's high percentile (${amountOf(signal, 'percentile')}) ${scaled(tenths, 1)} times over`
}

/** How long ago, of a time in whole units. */
function ago(units: number, unitMs: number): string {
  return units === 0 ? `less than ${windowName(unitMs)} ago` : `${duration(units * unitMs)} ago`
}

/** When the last fraud was; nothing where the record does not say so. */
function lastFraud(signal: ExplainableSignal): string {
  const since = find(signal, 'since-known-fraud')
  return since === undefined ? '' : `, the last of a payment made ${ago(since.value, HOUR_MS)}`
}

function hour(of: number): string {
  return `${String(of).padStart(2, '0')}h`
}
