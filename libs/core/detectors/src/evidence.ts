import type { DecisionSignalInput, EvidenceFeatureInput } from '@riskledger/events'
import type { Features } from '@riskledger/profiles'

/** What a signal stands on; the decision adds detector, code and points. */
export type SignalEvidence = Pick<DecisionSignalInput, 'features' | 'threshold' | 'historyCount'>

/** Gives the place of a signal's code among all signals of a policy. */
export type CodeOf = (code: string) => number

/** A number with its unit, exact. */
export function number(name: string, value: number, unit: string): EvidenceFeatureInput {
  return { name, value, unit, exact: true }
}

/** A token, such as a country code. */
export function token(name: string, text: string): EvidenceFeatureInput {
  return { name, value: 0, unit: 'text', text, exact: true }
}

/** A number over the window `(eventTime - widthMs, eventTime]`; where a cap bounds it, `exact` is false and it is at least this. */
export function windowed(
  features: Features,
  feature: EvidenceFeatureInput,
  window: { readonly widthMs: number; readonly exact: boolean },
): EvidenceFeatureInput {
  const fromMs = features.eventTimeMs - window.widthMs
  return { ...feature, fromMs: fromMs < 0 ? 0 : fromMs, toMs: features.eventTimeMs, exact: window.exact }
}

/** Evidence without a threshold in numbers. */
export function evidence(features: readonly EvidenceFeatureInput[], historyCount = 0): SignalEvidence {
  return { features, threshold: null, historyCount }
}

/** Whole number of a count kept in thousandths. */
export function fromMilli(milli: number): number {
  return Math.floor(milli / 1000)
}

/** Unit of an amount in minor units of a currency, such as `USD-minor`. */
export function minorUnit(currency: string): string {
  return `${currency}-minor`
}
