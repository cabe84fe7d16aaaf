import type { EventTopic } from '@riskledger/contracts'

/** An event as its JSON form, absent optionals left out. */
export interface ScenarioEvent {
  readonly eventId: string
  readonly accountId: string
  readonly eventTimeMs: number
  readonly source: string
  readonly [field: string]: unknown
}

/** The kinds of planted trouble, after the founding cases. */
export type CaseName = 'large-night-purchase' | 'stolen-phone' | 'dirty-money' | 'card-testing' | 'prohibited-region'

/** The kinds of honest behaviour that looks odd. */
export type OddityName = 'night-worker' | 'monthly-rent' | 'traveller' | 'new-phone' | 'payday-spree'

/** What is known of an event beforehand; events without a label are ordinary. */
export interface ScenarioLabel {
  readonly eventId: string
  readonly accountId: string
  readonly topic: EventTopic
  readonly kind: 'case' | 'oddity'
  /** Distinguishes several of the same name: `stolen-phone-1`. */
  readonly id: string
  readonly name: CaseName | OddityName
  /**
   * `sign`: an event that a verdict must fall on for the case to be caught, or by which an oddity must not be held.
   * `context`: belongs to a case (its history, its other accounts) and counts neither as caught nor as a false alarm.
   */
  readonly role: 'sign' | 'context'
  /** Mildest verdict that counts as caught; null for oddities and context. */
  readonly expected: 'challenge' | 'hold' | null
}

/** One line of the scenario: an event, or a raw line from which no event can be made. */
export type ScenarioItem =
  | { readonly kind: 'event'; readonly topic: EventTopic; readonly event: ScenarioEvent; readonly label?: ScenarioLabel }
  | { readonly kind: 'raw'; readonly line: string }

/** The item as a line of an NDJSON file, without the line end. */
export function formatScenarioItem(item: ScenarioItem): string {
  return item.kind === 'raw' ? item.line : JSON.stringify({ topic: item.topic, event: item.event })
}
