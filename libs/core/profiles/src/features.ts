import type { ScreenedTopic } from '@riskledger/contracts'
import type { CounterpartyFact, DeviceFact } from '@riskledger/relations'

/** Widths of the account's sliding windows (t-w, t], in milliseconds: 1 min, 10 min, 1 h, 1 d, 7 d, 30 d. */
export const WINDOW_WIDTHS_MS = [60_000, 600_000, 3_600_000, 86_400_000, 604_800_000, 2_592_000_000] as const
/** Short names of the widths, same order. */
export const WINDOW_NAMES = ['1min', '10min', '1h', '1d', '7d', '30d'] as const

/** Counts and sums over the six widths, the event itself included; each `Float64Array(6)`, sums in minor units of the reference currency. */
export interface WindowFeatures {
  readonly counts: Float64Array
  readonly sumsMinor: Float64Array
  /** False for a width whose ring was capped; the value is then a lower bound. */
  readonly exact: boolean[]
}

/** The highest severity of each kind of alert that stands; kinds without one are not there. */
export type AlertSeverities = Readonly<Record<string, number>>

/**
 * Everything that detectors may look at for one screened event. One mutable instance is reused for all events: nobody keeps a
 * reference to it past the call. Integers throughout (ratios scaled, unit in the name); -1 where a time, age or value is not known.
 */
export interface Features {
  topic: ScreenedTopic
  eventTimeMs: number
  /** True for an event older than the grace: only what needs no window is set. */
  late: boolean

  // The event itself
  /** Reference-currency amount; -1 for logins. */
  amountMinor: number
  /** Payments: purchase, transfer, deposit, withdrawal, refund; trades: buy, sell; logins: login. */
  kind: string
  phase: string
  direction: string
  method: string
  outcome: string
  payerNameMatch: string
  behaviourDistance: number
  priceDeviationBasisPoints: number
  networkClass: string
  countryCode: string | null

  // Windows of the account
  payments: WindowFeatures
  trades: WindowFeatures
  logins: WindowFeatures
  failedLogins: WindowFeatures
  /** Payments at or below the policy's small amount: card testing. */
  smallPayments: WindowFeatures
  /** Distinct values in the last hour and day among payments and trades, exact to 64 (64: at least 64). */
  distinctCounterparties1h: number
  distinctCounterparties1d: number
  distinctInstruments1d: number
  distinctDevices1d: number

  // Amount habit (payments and trades apart; of the kind at hand)
  /** Payments (or trades) in the histogram, decayed, in thousandths. */
  amountHabitMilliCount: number
  amountMedianMinor: number
  /** Value at the policy's percentile after shrinking toward the population. */
  amountPercentileMinor: number
  populationMedianMinor: number
  populationPercentileMinor: number

  // Evidence of known labels (payments)
  /** (amount - mean) / sd over known-legitimate payments, hundredths, clipped to ±1,000,000; below 5 of them shrunk to the population. */
  habitDistanceCenti: number
  knownLegitimateCount: number
  knownLegitimateMeanMinor: number
  /** amount / largest known-legitimate amount, thousandths; -1 without one. */
  ratioToLargestPermille: number
  /** Largest amount/mean among the account's payments of the last 7 days without a label, thousandths, this one excluded; -1 none. */
  pendingEvidencePermille: number
  msSinceLastKnownFraud: number

  // Hour habit
  localHour: number
  offsetSource: 'event' | 'profile' | 'utc'
  /** Smoothed habitual share of this local hour, parts per million, shrunk toward the population. */
  hourSharePpm: number
  hourHabitMilliCount: number

  // Rates, decayed events per day, thousandths; and how long the account has been seen
  paymentsPerDayMilli: number
  tradesPerDayMilli: number
  loginsPerDayMilli: number
  historyMs: number

  // Device, network, place
  /** 'none' where the event names none. */
  device: 'none' | 'new' | 'known'
  network: 'none' | 'new' | 'known'
  country: 'none' | 'new' | 'known'
  knownDeviceCount: number
  deviceAgeMs: number
  /** Log likelihood ratio of Freeman et al. 2016 in hundredths of a nat; positive: unlike this account. */
  operatorLogRatioCentinats: number
  loginHabitCount: number
  /** The event's device differs from the device that opened its session. */
  sessionDeviceDiffers: boolean
  /** Speed that the distance from the last login would take, km/h; -1 unknown. */
  travelKmh: number
  travelKm: number
  msSinceLastLogin: number
  networkChangedSinceLastLogin: boolean
  countryChangedSinceLastLogin: boolean
  /** Latest login of the account: its behaviourDistance (-1 unknown) and whether device and network were new then. */
  lastLoginBehaviourDistance: number
  lastLoginNewDevice: boolean
  lastLoginNewNetwork: boolean
  /**
   * Of the logins in the hour before the latest, which it does not take back: the largest behaviourDistance, the largest after that one, and the
   * latest new device; -1 without. Times since then are from the second in which the login came.
   */
  earlierLoginBehaviourDistance: number
  msSinceEarlierLoginBehaviour: number
  newerLoginBehaviourDistance: number
  msSinceNewerLoginBehaviour: number
  msSinceEarlierLoginNewDevice: number

  // Counterparty and device, from relations; null where nothing is known (which is a signal of its own)
  counterparty: CounterpartyFact | null
  /** True if the account never dealt with this counterparty before, as far as it remembers (bounded memory). */
  firstContact: boolean
  deviceFact: DeviceFact | null
  counterpartyKind: string

  // Alerts of providers on the account, on this very event (by subjectEventId), on this counterparty, neither cleared nor expired; by kind,
  // since the policy gives points by kind
  accountAlerts: AlertSeverities
  eventAlerts: AlertSeverities
  counterpartyAlerts: AlertSeverities

  // Liveness, last day
  livenessFailed1d: number
  livenessAbandoned1d: number
  /** Kind of the last attack seen in 7 days, 'none' without. */
  livenessAttackKind: string
  livenessFaceMismatch: boolean
  livenessPassedAfterFailure: boolean

  // Account facts
  kycLevel: number
  accountAgeMs: number
  residenceCountry: string | null
}
