import * as z from 'zod'
import { bands, points, whole } from './bands'

const permille = whole(0, 1000)
const count = whole(0, 1_000_000)
const durationMs = whole(0, 3_155_760_000_000)
const codeName = z.string().regex(/^[a-z][a-z0-9-]{1,47}$/, 'is no name; allowed: 2 to 48 of a-z, 0-9 and "-", a letter first')

/** The events that a velocity rule can count. */
export const VELOCITY_EVENTS = ['payments', 'trades', 'logins', 'failed-logins', 'small-payments'] as const
/** The windows `(t-w, t]` that a velocity rule can look at. */
export const VELOCITY_WINDOWS = ['1min', '10min', '1h', '1d', '7d', '30d'] as const
/** The distinct counts that a velocity rule can look at. */
export const DISTINCT_COUNTS = ['counterparties-1h', 'counterparties-1d', 'instruments-1d', 'devices-1d'] as const

const velocity = z.strictObject({
  tailAlphaPpb: whole(1, 100_000_000),
  leastExpectedPerDayMilli: whole(1, 1_000_000),
  counts: z
    .array(
      z.strictObject({
        code: codeName,
        events: z.enum(VELOCITY_EVENTS),
        window: z.enum(VELOCITY_WINDOWS),
        onlyIfUnlikely: z.boolean(),
        bands,
      }),
    )
    .max(24),
  sums: z
    .array(z.strictObject({ code: codeName, events: z.enum(['payments', 'trades']), window: z.enum(VELOCITY_WINDOWS), bands }))
    .max(12),
  distinct: z.array(z.strictObject({ code: codeName, of: z.enum(DISTINCT_COUNTS), bands })).max(8),
})

const amountDeviation = z.strictObject({
  knownPaymentsAtLeast: whole(1, 1000),
  habitMilliCountAtLeast: whole(0, 1_000_000),
  evidenceFromHabitDistanceCenti: whole(0, 1_000_000),
  'far-from-habit': z.strictObject({ bands }),
  'beyond-largest': z.strictObject({ bands }),
  'odd-amounts-pending': z.strictObject({ bands }),
  'after-known-fraud': z.strictObject({ bands }),
  'above-percentile': z.strictObject({ bands }),
  'above-population': z.strictObject({ bands }),
})

const lateNightDeviation = z.strictObject({
  habitMilliCountAtLeast: whole(0, 1_000_000),
  nightFromHour: whole(0, 23),
  nightToHour: whole(0, 24),
  'unusual-hour': z.strictObject({ bands }),
  'unusual-night-hour': z.strictObject({ bands }),
})

const counterpartyReputation = z.strictObject({
  lowerBoundZCenti: whole(0, 500),
  'unknown-counterparty': z.strictObject({ paymentsBelow: count, points }),
  'fraud-streak': z.strictObject({ bands }),
  'fraud-rate': z.strictObject({ priorPayments: whole(1, 1000), bands }),
  'fraud-rate-mixed': z.strictObject({ bands }),
  'recent-fraud': z.strictObject({ bands }),
  // Last and optional: a policy without it keeps its canonical bytes and its hash.
  'long-known-fraud': z.strictObject({ bands, notWithinMs: durationMs.optional() }),
  'disputed-trades': z.strictObject({ bands }),
  'charged-back': z.strictObject({ bands }),
  'reported-counterfeit': z.strictObject({ bands }),
  'counterparty-alerted': z.strictObject({ bands }),
})

const operatorMismatch = z.strictObject({
  afterLoginMs: durationMs,
  'new-device': z.strictObject({ points }),
  'new-network': z.strictObject({ points }),
  'new-country': z.strictObject({ points }),
  'odd-behaviour': z.strictObject({ bands }),
  'odd-behaviour-at-login': z.strictObject({ bands }),
  'login-from-new-device': z.strictObject({ points }),
  'unlike-the-account': z.strictObject({ loginsAtLeast: count, bands }),
  'session-device-differs': z.strictObject({ points }),
  'impossible-travel': z.strictObject({ kmAtLeast: whole(0, 21_000), bands }),
  'shared-device': z.strictObject({ bands }),
  'device-of-fraud': z.strictObject({ withinMs: durationMs, points }),
  'payer-name-mismatch': z.strictObject({ points }),
  'price-off-market': z.strictObject({ bands }),
})

const alertPoints = z.strictObject({
  payment: points,
  counterfeit: points,
  sanctions: points,
  pep: points,
  'dirty-funds': points,
  'law-enforcement': points,
  other: points,
})

const externalAlert = z.strictObject({
  pointsAtSeverity1000: alertPoints,
  'account-alert': z.strictObject({ sharePermille: permille }),
  'event-alert': z.strictObject({ sharePermille: permille }),
  'counterparty-alert': z.strictObject({ sharePermille: permille }),
})

const liveness = z.strictObject({
  'liveness-failed': z.strictObject({ bands }),
  'liveness-abandoned': z.strictObject({ bands }),
  'liveness-attack': z.strictObject({ photo: points, replay: points, mask: points, deepfake: points, unknown: points }),
  'face-mismatch': z.strictObject({ points }),
  'liveness-passed': z.strictObject({ points }),
})

const accessSignals = z.strictObject({
  prohibitedCountries: z.array(z.string().regex(/^[A-Z]{2}$/, 'is no country; allowed: two capital letters (ISO 3166-1)')).max(64),
  'prohibited-region': z.strictObject({ points }),
  'masked-network': z.strictObject({ hosting: points, vpn: points, tor: points, proxy: points }),
  'country-changed': z.strictObject({ points }),
  'network-changed': z.strictObject({ points }),
  'blocked-login': z.strictObject({ points }),
})

/** Thresholds and points of every detector. */
export const detectors = z.strictObject({
  velocity,
  'amount-deviation': amountDeviation,
  'late-night-deviation': lateNightDeviation,
  'counterparty-reputation': counterpartyReputation,
  'account-operator-mismatch': operatorMismatch,
  'external-alert': externalAlert,
  liveness,
  'access-signals': accessSignals,
})
