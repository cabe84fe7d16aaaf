import type { EventTopic } from '@riskledger/contracts'
import {
  spanLength,
  spanStart,
  type AccountProfileView,
  type LivenessResultView,
  type LoginView,
  type OutcomeView,
  type P2pTradeView,
  type PaymentView,
  type RawView,
  type RawViews,
  type RiskAlertView,
  type TokenSpan,
} from '@riskledger/events'
import { CLEARED, FRAUD, LEGITIMATE, PENDING, fingerprint, fingerprintEventAt, hashSpan, type FactView } from '@riskledger/relations'
import { ASK_BY_TEXT, KeyInterner, MAX_KEYS, type ByteReader, type ByteWriter } from '@riskledger/windows'
import {
  COUNTERPARTIES,
  COUNTERPARTIES_SEEN,
  COUNTERPARTY_MEMORY,
  DOUBLES,
  FIRST_SEEN,
  HABIT_BASE,
  HAS_RARE,
  INTEGERS,
  KYC,
  LAST_FRAUD,
  OPENED_AT,
  PAGE,
  PAYMENT_IDS,
  PAYMENT_IDS_SEEN,
  PAYMENT_ID_MEMORY,
  RESIDENCE,
  RowPages,
  SINGLES,
  UTC_OFFSET,
} from './account-rows'
import { AccountWindows } from './account-windows'
import { blankFeatures, forget } from './blank-features'
import type { Features } from './features'
import { Habits, localHour } from './habits'
import { KnownLabels } from './known-labels'
import { Places } from './places'
import { hashProfiles, readProfiles, writeProfiles, type ProfileParts } from './profile-codec'
import { checkProfileOptions, type ProfileOptions } from './profile-options'
import { Reports } from './reports'

/** What an event is observed with, beside itself. */
export interface ObserveContext {
  /** True for an event older than the grace: it changes no window and no habit, and sees none. */
  readonly late: boolean
  /** What is known of others than the account. */
  readonly facts: FactView
}

/** Things that were counted because a limit was reached or something did not fit; all from 0. */
export interface ProfileCounters {
  /** Events of accounts beyond `maxAccounts`: judged without history. */
  accountsRefused: number
  /** Counterparties pushed out of an account's memory of 64 by newer ones. */
  counterpartiesForgotten: number
  /** Outcomes whose payment is not remembered (any more): nothing was corrected. */
  outcomesUnmatched: number
  /** Outcomes that an earlier outcome had already decided. */
  outcomesSuperseded: number
}

const OFFSET_BIAS = 10_000
const UNKNOWN_OFFSET = 0

/** Payments and trades are numbered by different systems, whose ids may be the same. */
const TRADE_SALT = 0x5bd1e995

/** Signed 32-bit hash of a payment's or trade's business id; never 0. */
function hashId(bytes: Uint8Array, span: TokenSpan, trade: boolean): number {
  const hash = hashSpan(bytes, span) ^ (trade ? TRADE_SALT : 0)
  return hash === 0 ? 1 : hash
}

/**
 * What one partition remembers of its accounts. The screening step owns it, calls `advance` and then `observe` for every input that is
 * neither duplicate nor quarantined, in the journal's order, and nothing else changes it: same calls, same features, to the last bit.
 *
 * A payment (or trade) is counted once: by the first event of its `paymentId` (`tradeId`) that the account's memory of the last eight ids
 * does not hold. Refunds, and events in phase refunded or cancelled, are looked at and not learned from.
 */
export class ProfileStore {
  readonly counters: ProfileCounters = { accountsRefused: 0, counterpartiesForgotten: 0, outcomesUnmatched: 0, outcomesSuperseded: 0 }
  /**
   * After `observe` of an outcome: distance from habit, hundredths, of the payment that it labels, as it stood when that was decided; null
   * where it is not known. The journal keeps it with the outcome, for relations.
   */
  lastOutcomeHabitDistanceCenti: number | null = null

  private readonly parts: ProfileParts
  private readonly accounts = new KeyInterner({ maxKeys: MAX_KEYS })
  private readonly countries = new KeyInterner({ maxKeys: 65_535 })
  private readonly integers = new RowPages(INTEGERS, (length) => new Uint32Array(length))
  private readonly habits: Habits
  private windows: AccountWindows
  private readonly labels: KnownLabels
  private readonly places: Places
  private readonly reports = new Reports()
  private nowMs = 0
  private readonly features: Features = blankFeatures()
  private readonly identity = { low: 0, high: 0 }
  private readonly touched = { trade: false, id: 0, counterparty: 0, instrument: 0, device: 0 }

  constructor(private options: ProfileOptions) {
    checkProfileOptions(options)
    this.habits = new Habits(options, this.integers)
    this.windows = new AccountWindows(this.integers, options)
    this.labels = new KnownLabels(this.habits.doubles, this.integers, options)
    this.places = new Places(this.integers, options)
    const { accounts, countries, integers, habits, labels, places, reports } = this
    this.parts = { accounts, countries, integers, habits, labels, places, reports }
  }

  /**
   * Works by other numbers from now on, at a switch of policy. The windows' cap and their grace stay as they were when the store was made;
   * another half-life holds from now on, with today's weights as they are. Accounts that are known stay, also where fewer have room now.
   */
  configure(options: ProfileOptions): void {
    checkProfileOptions(options)
    if (options.habitHalfLifeMs !== this.options.habitHalfLifeMs) this.habits.rebaseAll(this.nowMs)
    this.options = options
    this.habits.configure(options)
    this.labels.configure(options)
    this.places.population.maxValues = options.maxLoginValues
  }

  /** Accounts known. */
  get accountCount(): number {
    return this.accounts.size
  }

  /** The slot of an event's account as things stand, -1 where it has none; `index` is its place among those that `touch` will be asked about. */
  slotAhead(event: RawView & { readonly accountId: string }, index: number): number {
    fingerprintEventAt(event.bytes, event.eventIdAt)
    this.labels.newLow[index] = fingerprint[0]
    this.labels.newHigh[index] = fingerprint[1]
    return this.find(event)
  }

  /**
   * Reads what the next events of these accounts (at most 64; -1: none) will read. An event's cost is mostly waiting for memory, one line after
   * the other; asked for together, for many events, the waits overlap. Changes nothing that anybody can see.
   */
  touch(slots: Int32Array, count: number): number {
    let touched = 0
    for (let i = 0; i < count; i++) {
      const slot = slots[i]
      if (slot < 0) continue
      const page = slot >>> 8
      const place = slot & (PAGE - 1)
      const integers = this.integers.pages[page]
      for (let line = place * INTEGERS, end = line + INTEGERS; line < end; line += 16) touched ^= integers[line]
      const doubles = this.habits.doubles.pages[page]
      touched ^= doubles[place * DOUBLES] ^ doubles[place * DOUBLES + 8]
      const singles = this.habits.singles.pages[page]
      for (let line = place * SINGLES, end = line + SINGLES; line < end; line += 16) touched ^= singles[line]
    }
    return touched ^ this.windows.touch(slots, count) ^ this.labels.touch(slots, count)
  }

  /** Lets time pass: payments whose label delay ended strictly before `nowMs` become known legitimate. Call it before each event. */
  advance(nowMs: number): void {
    this.nowMs = nowMs
    this.labels.advance(nowMs)
  }

  /**
   * Takes one event in. Returns what detectors may look at for payments, logins and trades (one reused object: read it before the next
   * call), null for other topics.
   */
  observe<T extends EventTopic>(topic: T, event: RawViews[T], context: ObserveContext): Features | null {
    switch (topic) {
      case 'payments':
        return this.observePayment(event as PaymentView, context)
      case 'p2p-trades':
        return this.observeTrade(event as P2pTradeView, context)
      case 'logins':
        return this.observeLogin(event as LoginView, context)
      case 'outcomes':
        this.observeOutcome(event as OutcomeView)
        return null
      case 'account-profiles':
        this.observeProfile(event as AccountProfileView)
        return null
      case 'risk-alerts':
      case 'liveness-results':
        this.observeReport(event as RiskAlertView | LivenessResultView)
        return null
      default:
        return null
    }
  }

  /** The account's slot, or -1 of one never seen. */
  private find(event: RawView & { readonly accountId: string }): number {
    const slot = this.accounts.findBytes(event.bytes, spanStart(event.accountIdSpan), spanLength(event.accountIdSpan))
    return slot === ASK_BY_TEXT ? this.accounts.find(event.accountId) : slot
  }

  private slotOf(event: RawView & { readonly accountId: string }): number {
    const known = this.find(event)
    if (known >= 0) return known
    const timeMs = event.eventTimeMs
    const slot = this.accounts.size < this.options.maxAccounts ? this.accounts.intern(event.accountId) : -1
    if (slot < 0) {
      this.counters.accountsRefused++
      return -1
    }
    this.integers.addRow()
    this.habits.singles.addRow()
    this.habits.doubles.addRow()
    const doubles = this.habits.doubles.row(slot)
    doubles[FIRST_SEEN] = timeMs
    doubles[HABIT_BASE] = timeMs
    return slot
  }

  private integer(slot: number, field: number): number {
    return this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + field]
  }

  private begin(
    topic: 'payments' | 'p2p-trades' | 'logins',
    event: PaymentView | P2pTradeView | LoginView,
    context: ObserveContext,
  ): number {
    const features = this.features
    forget(features, topic)
    features.eventTimeMs = event.eventTimeMs
    features.late = context.late
    features.networkClass = event.networkClass ?? 'unknown'
    features.countryCode = event.countryCode
    const slot = context.late ? this.find(event) : this.slotOf(event)
    const stored = slot < 0 ? UNKNOWN_OFFSET : this.integer(slot, UTC_OFFSET)
    features.offsetSource = event.utcOffsetMinutes !== null ? 'event' : stored !== UNKNOWN_OFFSET ? 'profile' : 'utc'
    features.localHour = localHour(event.eventTimeMs, event.utcOffsetMinutes ?? (stored === UNKNOWN_OFFSET ? 0 : stored - OFFSET_BIAS))
    if (slot >= 0) this.readAccount(slot, features)
    return slot
  }

  private readAccount(slot: number, features: Features): void {
    const openedAtMs = this.habits.doubles.pages[slot >>> 8][(slot & (PAGE - 1)) * DOUBLES + OPENED_AT]
    features.kycLevel = this.integer(slot, KYC) - 1
    features.accountAgeMs = openedAtMs === 0 ? -1 : Math.max(0, features.eventTimeMs - openedAtMs)
    const residence = this.integer(slot, RESIDENCE)
    features.residenceCountry = residence === 0 ? null : (this.countries.keyOf(residence - 1) ?? null)
  }

  private observeReport(event: RiskAlertView | LivenessResultView): void {
    const slot = this.slotOf(event)
    if (slot < 0) return
    this.integers.row(slot)[HAS_RARE] = 1
    if ('alertIdSpan' in event) this.reports.observeAlert(slot, event, this.options.alertMemoryMs)
    else this.reports.observeLiveness(slot, event)
  }

  private observePayment(event: PaymentView, context: ObserveContext): Features {
    const features = this.features
    const slot = this.begin('payments', event, context)
    features.amountMinor = event.amountReferenceMinor
    features.kind = event.kind
    features.phase = event.phase
    features.direction = event.direction
    features.method = event.method
    features.payerNameMatch = event.payerNameMatch
    features.counterpartyKind = event.counterpartyKind
    const learn = event.kind !== 'refund' && event.phase !== 'refunded' && event.phase !== 'cancelled'
    this.observeMoney(slot, event, { context, idSpan: event.paymentIdSpan, trade: false, learn })
    return features
  }

  private observeTrade(event: P2pTradeView, context: ObserveContext): Features {
    const features = this.features
    const slot = this.begin('p2p-trades', event, context)
    features.amountMinor = event.amountReferenceMinor
    features.kind = event.side
    features.phase = event.phase
    features.direction = event.side === 'buy' ? 'debit' : event.side === 'sell' ? 'credit' : 'unknown'
    features.method = event.paymentMethod
    features.payerNameMatch = event.payerNameMatch
    features.priceDeviationBasisPoints = event.priceDeviationBasisPoints ?? 0
    features.counterpartyKind = 'person'
    this.observeMoney(slot, event, { context, idSpan: event.tradeIdSpan, trade: true, learn: event.phase !== 'cancelled' })
    return features
  }

  private observeMoney(
    slot: number,
    event: PaymentView | P2pTradeView,
    how: { readonly context: ObserveContext; readonly idSpan: number; readonly trade: boolean; readonly learn: boolean },
  ): void {
    const features = this.features
    const { context, trade } = how
    const { bytes } = event
    features.counterparty = context.facts.counterparty(bytes, event.counterpartyIdSpan) ?? null
    features.deviceFact = event.deviceIdSpan === 0 ? null : (context.facts.device(bytes, event.deviceIdSpan) ?? null)
    const counterparty = hashSpan(bytes, event.counterpartyIdSpan)
    if (slot >= 0 && this.integer(slot, HAS_RARE) !== 0) this.reports.read(slot, { event, counterparty }, features)
    if (context.late || slot < 0) {
      this.windows.read(-1, features)
      if (!context.late) this.readHabits(-1, features, trade)
      return
    }
    this.places.observeMoney(slot, event, features)
    features.firstContact = !this.knowsCounterparty(slot, counterparty)
    this.readHabits(slot, features, trade)
    const id = hashId(bytes, how.idSpan, trade)
    const ratio = this.labels.read(slot, features, id)
    if (how.learn && this.isNew(slot, id)) {
      if (trade) this.windows.addTrade(slot, features)
      else this.windows.addPayment(slot, features, features.amountMinor <= this.options.smallAmountMinor)
      this.touched.trade = trade
      this.touched.id = id
      this.touched.counterparty = counterparty
      this.touched.instrument = hashSpan(bytes, event.instrumentTokenSpan)
      this.touched.device = hashSpan(bytes, event.deviceIdSpan)
      fingerprintEventAt(bytes, event.eventIdAt)
      this.identity.low = fingerprint[0]
      this.identity.high = fingerprint[1]
      this.labels.remember(slot, this.identity, features, ratio, this.touched)
      this.habits.learnAmount(slot, features, trade)
      if (features.firstContact) this.learnCounterparty(slot, counterparty)
    }
    this.windows.read(slot, features)
    this.labels.readDistinct(slot, features)
    this.windows.sweep(this.accounts.size, features.eventTimeMs)
  }

  private readHabits(slot: number, features: Features, trade: boolean): void {
    this.habits.readRates(slot, features, trade)
    this.habits.readAmounts(slot, features, trade)
  }

  private knowsCounterparty(slot: number, hash: number): boolean {
    const page = this.integers.pages[slot >>> 8]
    const from = (slot & (PAGE - 1)) * INTEGERS + COUNTERPARTIES
    const end = from + Math.min(COUNTERPARTY_MEMORY, page[from - COUNTERPARTIES + COUNTERPARTIES_SEEN])
    for (let i = from; i < end; i++) if (page[i] === hash) return true
    return false
  }

  private learnCounterparty(slot: number, hash: number): void {
    const row = this.integers.row(slot)
    const seen = row[COUNTERPARTIES_SEEN]++
    if (seen >= COUNTERPARTY_MEMORY) this.counters.counterpartiesForgotten++
    row[COUNTERPARTIES + (seen % COUNTERPARTY_MEMORY)] = hash
  }

  private isNew(slot: number, idHash: number): boolean {
    const page = this.integers.pages[slot >>> 8]
    const i = (slot & (PAGE - 1)) * INTEGERS
    const held = idHash >>> 0
    for (let k = 0; k < PAYMENT_ID_MEMORY; k++) if (page[i + PAYMENT_IDS + k] === held) return false
    page[i + PAYMENT_IDS + (page[i + PAYMENT_IDS_SEEN]++ % PAYMENT_ID_MEMORY)] = held
    return true
  }

  private observeLogin(event: LoginView, context: ObserveContext): Features {
    const features = this.features
    const slot = this.begin('logins', event, context)
    features.kind = 'login'
    features.outcome = event.outcome
    features.behaviourDistance = event.behaviourDistance ?? -1
    features.deviceFact = context.facts.device(event.bytes, event.deviceIdSpan) ?? null
    if (!context.late) this.habits.readRates(slot, features, false)
    if (slot >= 0 && this.integer(slot, HAS_RARE) !== 0) this.reports.read(slot, { event, counterparty: 0 }, features)
    if (context.late || slot < 0) {
      this.windows.read(-1, features)
      return features
    }
    this.places.observeLogin(slot, event, features)
    const failed = event.outcome === 'failed' || event.outcome === 'blocked'
    this.windows.addLogin(slot, features, failed)
    this.windows.read(slot, features)
    this.labels.readDistinct(slot, features)
    if (!failed) this.habits.learnLogin(slot, features)
    this.windows.sweep(this.accounts.size, features.eventTimeMs)
    return features
  }

  private observeProfile(event: AccountProfileView): void {
    const slot = this.slotOf(event)
    if (slot < 0) return
    const row = this.integers.row(slot)
    row[KYC] = event.kycLevel + 1
    row[UTC_OFFSET] = event.utcOffsetMinutes === null ? UNKNOWN_OFFSET : event.utcOffsetMinutes + OFFSET_BIAS
    row[RESIDENCE] = event.residenceCountry === null ? 0 : this.countries.intern(event.residenceCountry) + 1
    this.habits.doubles.row(slot)[OPENED_AT] = event.openedAtMs
  }

  private observeOutcome(event: OutcomeView): void {
    this.lastOutcomeHabitDistanceCenti = null
    const bad = event.label === 'fraud' || event.label === 'chargeback' || event.label === 'counterfeit'
    if (!bad && event.label !== 'legitimate' && event.label !== 'false-positive') return
    const slot = this.find(event)
    fingerprintEventAt(event.bytes, event.subjectEventIdAt)
    const entry = this.labels.queue.find(fingerprint[0], fingerprint[1], event.subjectEventTimeMs)
    const matched = entry >= 0 && this.labels.queue.owner(entry) === slot
    if (!matched) this.counters.outcomesUnmatched++
    if (matched) this.lastOutcomeHabitDistanceCenti = this.labels.distanceCenti(entry)
    const state = matched ? this.labels.queue.state(entry) : PENDING
    if (state === FRAUD || state === CLEARED) {
      this.counters.outcomesSuperseded++
      return
    }
    if (bad) {
      this.noteFraud(slot, event.subjectEventTimeMs)
      if (!matched) return
      this.labels.markFraud(entry)
      if (this.labels.isPayment(entry)) this.habits.unlearnAmount(slot, event.subjectEventTimeMs, this.labels.queue.amountMinor(entry))
    } else if (matched && state === PENDING) this.labels.markLegitimate(entry, CLEARED)
    else if (matched && state === LEGITIMATE) this.labels.queue.setState(entry, CLEARED)
  }

  private noteFraud(slot: number, timeMs: number): void {
    if (slot < 0) return
    const doubles = this.habits.doubles.row(slot)
    if (timeMs > doubles[LAST_FRAUD]) doubles[LAST_FRAUD] = timeMs
  }

  /** Writes everything needed to go on as if nothing had happened. */
  writeSnapshot(writer: ByteWriter): void {
    writer.f64(this.nowMs)
    const { accountsRefused, counterpartiesForgotten, outcomesUnmatched, outcomesSuperseded } = this.counters
    for (const count of [accountsRefused, counterpartiesForgotten, outcomesUnmatched, outcomesSuperseded]) writer.varint(count)
    writeProfiles(this.parts, this.windows, writer)
  }

  /** Fills a fresh store from what `writeSnapshot` wrote; its options must be those of the policy then active. Throws `snapshot-unusable`. */
  readSnapshot(reader: ByteReader): void {
    this.nowMs = reader.f64()
    const counters = this.counters
    counters.accountsRefused = reader.varint()
    counters.counterpartiesForgotten = reader.varint()
    counters.outcomesUnmatched = reader.varint()
    counters.outcomesSuperseded = reader.varint()
    this.windows = readProfiles(this.parts, this.nowMs, reader)
  }

  /**
   * SHA-256 of the logical content as of a moment: accounts in order, layout and lazy expiry left out. Labels that are due by then become known, as
   * with the next event; the moment from which `configure` goes on stays.
   */
  canonicalHash(nowMs: number): Uint8Array {
    this.labels.advance(nowMs)
    return hashProfiles(this.parts, this.windows, nowMs)
  }
}
