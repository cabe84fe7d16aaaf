import { AMOUNT_BINS, AMOUNT_EDGES, amountBin } from './amount-bins'
import {
  DOUBLES,
  FIRST_SEEN,
  HABIT_BASE,
  HOURS,
  INTEGERS,
  LARGEST_SEEN,
  LOGIN_WEIGHT,
  PAGE,
  PAYMENT_WEIGHT,
  RowPages,
  SINGLES,
  TRADE_ROW,
  TRADE_WEIGHT,
} from './account-rows'
import { clipRound, powerOfTwo, roundHalfEven } from './exact-numbers'
import type { Features } from './features'
import { PopulationHistogram, withinBin } from './population'
import type { ProfileOptions } from './profile-options'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const LN2 = 0.6931471805599453
/** Singles hold up to 2^127: an account's weights are brought down before they near it. */
const REBASE_HALF_LIVES = 64
const MAX_MILLI = 1_000_000_000_000

/** Local hour 0-23 of a moment, by an offset in minutes. */
export function localHour(timeMs: number, offsetMinutes: number): number {
  const local = (timeMs + offsetMinutes * 60_000) % DAY_MS
  return Math.floor((local < 0 ? local + DAY_MS : local) / HOUR_MS)
}

/**
 * Weight of a rate of one a day over so long a history: the integral of the decay. At least that of a day: young accounts are not taken for
 * fast ones.
 */
export function exposureDays(historyMs: number, halfLifeMs: number): number {
  return ((1 - powerOfTwo(-Math.max(historyMs, DAY_MS) / halfLifeMs)) * halfLifeMs) / (LN2 * DAY_MS)
}

/**
 * Habits of amount, hour and rate. Each event weighs 2^(age / half-life) relative to the account's base moment, so that adding costs
 * O(1), shares need no decay at all, and time alone changes nothing that is stored. Habits are as of processing: an event that comes late
 * within the grace meets the habit with what came before it in the journal, newer events of the last hour included.
 */
export class Habits {
  readonly payments = new PopulationHistogram(AMOUNT_BINS)
  readonly trades = new PopulationHistogram(AMOUNT_BINS)
  readonly hours = new PopulationHistogram(24)
  readonly doubles = new RowPages(DOUBLES, (length) => new Float64Array(length))
  readonly singles = new RowPages(SINGLES, (length) => new Float32Array(length))
  readonly tradeBins = new RowPages(AMOUNT_BINS, (length) => new Float32Array(length))

  constructor(
    private options: ProfileOptions,
    private readonly integers: RowPages<Uint32Array>,
  ) {}

  private tradeRow(slot: number): number {
    return this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + TRADE_ROW] - 1
  }

  private tradeRowMade(slot: number): number {
    const known = this.tradeRow(slot)
    if (known >= 0) return known
    const row = this.tradeBins.addRow()
    this.integers.row(slot)[TRADE_ROW] = row + 1
    return row
  }

  /** Sets rates, history and hour share; `slot` -1 for an account without a row. */
  readRates(slot: number, features: Features, trade: boolean): void {
    const halfLifeMs = this.options.habitHalfLifeMs
    const hour = features.localHour
    const population = this.hours.bins
    const around = population[(hour + 23) % 24] / 4 + population[hour] / 2 + population[(hour + 1) % 24] / 4
    const popShare = this.hours.total > 0 ? around / this.hours.total : 1 / 24
    features.hourSharePpm = roundHalfEven(popShare * 1_000_000)
    if (slot < 0) return
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const singles = this.singles.pages[slot >>> 8]
    const h = (slot & (PAGE - 1)) * SINGLES + HOURS
    const scale = 1 / powerOfTwo((features.eventTimeMs - doubles[d + HABIT_BASE]) / halfLifeMs)
    const payments = doubles[d + PAYMENT_WEIGHT]
    const trades = doubles[d + TRADE_WEIGHT]
    const logins = doubles[d + LOGIN_WEIGHT]
    const weight = payments + trades + logins
    const historyMs = Math.max(0, features.eventTimeMs - doubles[d + FIRST_SEEN])
    const perDay = (1000 * scale) / exposureDays(historyMs, halfLifeMs)
    features.historyMs = historyMs
    features.paymentsPerDayMilli = clipRound(payments * perDay, 0, MAX_MILLI)
    features.tradesPerDayMilli = clipRound(trades * perDay, 0, MAX_MILLI)
    features.loginsPerDayMilli = clipRound(logins * perDay, 0, MAX_MILLI)
    const count = weight * scale
    features.hourHabitMilliCount = clipRound(count * 1000, 0, MAX_MILLI)
    features.amountHabitMilliCount = clipRound((trade ? trades : payments) * scale * 1000, 0, MAX_MILLI)
    if (!(weight > 0)) return
    const own = (singles[h + ((hour + 23) % 24)] / 4 + singles[h + hour] / 2 + singles[h + ((hour + 1) % 24)] / 4) / weight
    const prior = this.options.hourPriorCount
    features.hourSharePpm = roundHalfEven(((own * count + popShare * prior) / (count + prior)) * 1_000_000)
  }

  /**
   * Sets median and percentile of the amounts: the account's own median; the percentile of own and population's histogram mixed by
   * n / (n0 + n).
   */
  readAmounts(slot: number, features: Features, trade: boolean): void {
    const tradeRow = slot < 0 || !trade ? -1 : this.tradeRow(slot)
    const population = trade ? this.trades : this.payments
    population.refresh(this.options.amountPercentilePpm)
    features.populationMedianMinor = population.medianMinor
    features.populationPercentileMinor = population.percentileMinor
    features.amountPercentileMinor = population.percentileMinor
    if (slot < 0 || (trade && tradeRow < 0)) return
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const total = doubles[d + (trade ? TRADE_WEIGHT : PAYMENT_WEIGHT)]
    if (!(total > 0)) return
    const bins = trade ? this.tradeBins.pages[tradeRow >>> 8] : this.singles.pages[slot >>> 8]
    const b = trade ? (tradeRow & (PAGE - 1)) * AMOUNT_BINS : (slot & (PAGE - 1)) * SINGLES
    const count = features.amountHabitMilliCount / 1000
    const share = population.total > 0 ? count / (count + this.options.amountPriorCount) : 1
    const ownScale = share / total
    const popShare = population.total > 0 ? 1 - share : 0
    const tail = population.tail
    const above = 1 - this.options.amountPercentilePpm / 1_000_000
    // Above the account's largest amount there is only the population; the percentile is near, on one side or the other.
    let bin = amountBin(doubles[d + LARGEST_SEEN])
    let own = 0
    let mass = popShare * tail[bin + 1]
    let here = 0
    if (mass > above) {
      do bin++
      while (bin < AMOUNT_BINS - 1 && popShare * tail[bin + 1] > above)
      mass = popShare * tail[bin + 1]
      here = popShare * tail[bin] - mass
    } else {
      for (; ; bin--) {
        own += bins[b + bin] * ownScale
        const next = own + popShare * tail[bin]
        here = next - mass
        if (next > above || bin === 0) break
        mass = next
      }
    }
    const value = here > 0 ? withinBin(bin, Math.min(1, Math.max(0, 1 - (above - mass) / here))) : AMOUNT_EDGES[bin]
    features.amountPercentileMinor = bin === AMOUNT_BINS - 1 ? Math.max(value, doubles[d + LARGEST_SEEN]) : value
    let below = 0
    for (let i = 0; i < AMOUNT_BINS; i++) {
      const weight = bins[b + i]
      if (below + weight < total * 0.5) below += weight
      else if (weight > 0) {
        features.amountMedianMinor = withinBin(i, (total * 0.5 - below) / weight)
        return
      }
    }
    features.amountMedianMinor = features.populationMedianMinor
  }

  private weigh(slot: number, timeMs: number): number {
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const halfLives = (timeMs - doubles[d + HABIT_BASE]) / this.options.habitHalfLifeMs
    if (halfLives <= REBASE_HALF_LIVES) return powerOfTwo(halfLives)
    this.rebase(slot, timeMs)
    return 1
  }

  /** Expresses an account's weights relative to another moment. */
  rebase(slot: number, toMs: number): void {
    const tradeRow = this.tradeRow(slot)
    const doubles = this.doubles.row(slot)
    const factor = powerOfTwo((doubles[HABIT_BASE] - toMs) / this.options.habitHalfLifeMs)
    const singles = this.singles.row(slot)
    for (let i = 0; i < SINGLES; i++) singles[i] *= factor
    if (tradeRow >= 0) {
      const bins = this.tradeBins.row(tradeRow)
      for (let i = 0; i < AMOUNT_BINS; i++) bins[i] *= factor
    }
    for (const weight of [PAYMENT_WEIGHT, TRADE_WEIGHT, LOGIN_WEIGHT]) doubles[weight] *= factor
    doubles[HABIT_BASE] = toMs
  }

  /** Expresses all weights of all accounts and of the population relative to one moment, by the half-life up to now. */
  rebaseAll(toMs: number): void {
    for (let slot = 0; slot < this.doubles.count; slot++) this.rebase(slot, toMs)
    for (const population of [this.payments, this.trades, this.hours]) population.rebase(toMs, this.options.habitHalfLifeMs)
  }

  /** Works by other options from now on. */
  configure(options: ProfileOptions): void {
    this.options = options
    this.payments.forceRefresh()
    this.trades.forceRefresh()
  }

  private learnHour(slot: number, hour: number, weight: number): void {
    this.singles.pages[slot >>> 8][(slot & (PAGE - 1)) * SINGLES + HOURS + hour] += weight
  }

  /** Adds a payment or a trade to the habits of amount, hour and rate. */
  learnAmount(slot: number, features: Features, trade: boolean): void {
    const timeMs = features.eventTimeMs
    const halfLifeMs = this.options.habitHalfLifeMs
    const bin = amountBin(features.amountMinor)
    const weight = this.weigh(slot, timeMs)
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    if (!trade) {
      this.singles.pages[slot >>> 8][(slot & (PAGE - 1)) * SINGLES + bin] += weight
      doubles[d + PAYMENT_WEIGHT] += weight
      this.payments.add(bin, timeMs, halfLifeMs)
    } else {
      const tradeRow = this.tradeRowMade(slot)
      this.tradeBins.pages[tradeRow >>> 8][(tradeRow & (PAGE - 1)) * AMOUNT_BINS + bin] += weight
      doubles[d + TRADE_WEIGHT] += weight
      this.trades.add(bin, timeMs, halfLifeMs)
    }
    if (features.amountMinor > doubles[d + LARGEST_SEEN]) doubles[d + LARGEST_SEEN] = features.amountMinor
    this.learnHour(slot, features.localHour, weight)
    this.hours.add(features.localHour, timeMs, halfLifeMs)
  }

  /** Adds a login to the habits of hour and rate. */
  learnLogin(slot: number, features: Features): void {
    const weight = this.weigh(slot, features.eventTimeMs)
    this.doubles.pages[slot >>> 8][(slot & (PAGE - 1)) * DOUBLES + LOGIN_WEIGHT] += weight
    this.learnHour(slot, features.localHour, weight)
    this.hours.add(features.localHour, features.eventTimeMs, this.options.habitHalfLifeMs)
  }

  /** Takes a fraud's amount out of the histogram again (its hour and its share in the rate stay: they decay). */
  unlearnAmount(slot: number, timeMs: number, amountMinor: number): void {
    const bin = amountBin(amountMinor)
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const singles = this.singles.pages[slot >>> 8]
    const at = (slot & (PAGE - 1)) * SINGLES + bin
    const before = singles[at]
    singles[at] = Math.max(0, before - powerOfTwo((timeMs - doubles[d + HABIT_BASE]) / this.options.habitHalfLifeMs))
    doubles[d + PAYMENT_WEIGHT] = Math.max(0, doubles[d + PAYMENT_WEIGHT] - (before - singles[at]))
    this.payments.remove(bin, timeMs, this.options.habitHalfLifeMs)
  }
}
