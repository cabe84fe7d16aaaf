import { strict as assert } from 'node:assert'

const DAY_MS = 86_400_000

/** Every number that a `ProfileStore` works by; policy gives them. Times in ms. */
export interface ProfileOptions {
  /** How late an event may be and still enter its windows. Default one hour. */
  readonly graceMs: number
  /** A payment is known legitimate once this long has passed without a fraud report. Default 7 days. */
  readonly labelDelayMs: number
  /** Payments are remembered this long, so that a late fraud report can be taken back out of the habit. Default 30 days. */
  readonly labelMemoryMs: number
  /** Half-life of the habits of amount, hour and rate. Default 30 days. */
  readonly habitHalfLifeMs: number
  /** Payments at or below this are small (card testing), in minor units of the reference currency. Default 200. */
  readonly smallAmountMinor: number
  /** Weight of the population's amount histogram, in payments (n0 of n0 / (n0 + n)). Default 10. */
  readonly amountPriorCount: number
  /** Weight of the population's hours, in events. Default 20. */
  readonly hourPriorCount: number
  /** Which percentile of the amount habit is reported, parts per million. Default 995,000. */
  readonly amountPercentilePpm: number
  /** How long an alert without an expiry of its own stands. Default 30 days. */
  readonly alertMemoryMs: number
  /** Accounts held; further ones get no history and are counted. Default 4,000,000. */
  readonly maxAccounts: number
  /** Events per account, window kind; see `KeyedRings`. Default 4,096. Fixed when the store is made. */
  readonly maxEventsPerKey: number
  /** Payments remembered for their label in all. Default 8,000,000. */
  readonly maxRemembered: number
  /** Values of the population's login counts, per feature. Default 200,000. */
  readonly maxLoginValues: number
}

export const DEFAULT_PROFILE_OPTIONS: ProfileOptions = {
  graceMs: 3_600_000,
  labelDelayMs: 7 * DAY_MS,
  labelMemoryMs: 30 * DAY_MS,
  habitHalfLifeMs: 30 * DAY_MS,
  smallAmountMinor: 200,
  amountPriorCount: 10,
  hourPriorCount: 20,
  amountPercentilePpm: 995_000,
  alertMemoryMs: 30 * DAY_MS,
  maxAccounts: 4_000_000,
  maxEventsPerKey: 4096,
  maxRemembered: 8_000_000,
  maxLoginValues: 200_000,
}

/** Asserts what the store relies on. Policy validation names line and field before; this is for programmers. */
export function checkProfileOptions(options: ProfileOptions): void {
  assert(options.graceMs >= 0 && options.graceMs < options.labelDelayMs, 'graceMs must be below labelDelayMs')
  assert(options.labelMemoryMs >= options.labelDelayMs, 'labelMemoryMs must be at least labelDelayMs')
  assert(options.habitHalfLifeMs > 0, 'habitHalfLifeMs must be above 0')
  assert(options.amountPercentilePpm > 0 && options.amountPercentilePpm < 1_000_000, 'amountPercentilePpm must lie between 0 and 1,000,000')
  assert(options.amountPriorCount >= 0 && options.hourPriorCount >= 0, 'prior counts must not be negative')
}
