import { createHash } from 'node:crypto'
import type { EventTopic, InputStatus } from '@riskledger/contracts'
import type { LoginView, OutcomeView, P2pTradeView, PaymentView, RawViews, RiskAlertView, TokenSpan } from '@riskledger/events'
import { ByteWriter, type ByteReader } from '@riskledger/windows'
import { CounterpartyMemory } from './counterparty-memory'
import { DeviceMemory } from './device-memory'
import { encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import { fingerprint, fingerprintEventAt } from './event-fingerprint'
import { InputKeys } from './input-keys'
import { CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING } from './label-queue'
import { RecentIds } from './recent-ids'
import { RelationsCodec, byKey } from './relations-codec'
import type { AlertSubject } from './standing-alerts'
import { hashToken } from './token-hash'
import { TouchAhead } from './touch-ahead'

/** A payment is attributed to its counterparty if its amount lay at most this far from the account's habit, in hundredths of a deviation. */
const EXPLAINED_ABOVE_CENTI = 250

// Lanes of the queue.
const ACCOUNT = 0
const TRADE_BITS = 1
const ID = 2
const DEVICE = 3

// Bits of `TRADE_BITS`: 0 for a payment.
const IS_TRADE = 1
/** How a trade ended, as far as was seen. */
const ENDED = { completed: 2, disputed: 4, cancelled: 8 } as const

/** Numbers by which a `RelationsState` works; policy gives them. */
export interface RelationsOptions {
  /** A payment is known legitimate once this long has passed without a fraud report, in ms. Default 7 days. */
  readonly labelDelayMs: number
  /** Payments are remembered this long, so that a late fraud report can be attributed, in ms. Default 30 days. */
  readonly labelMemoryMs: number
  /** A provider's alert without an expiry of its own stands this long, in ms. Default 30 days. */
  readonly alertMemoryMs: number
  /** Counterparties held, and devices held. Default 4,000,000 each; what lies beyond is counted and not remembered. */
  readonly maxKeys: number
  /** Payments remembered in all. Default 8,000,000. */
  readonly maxRemembered: number
}

export const DEFAULT_RELATIONS_OPTIONS: RelationsOptions = {
  labelDelayMs: 604_800_000,
  labelMemoryMs: 2_592_000_000,
  alertMemoryMs: 2_592_000_000,
  maxKeys: 4_000_000,
  maxRemembered: 8_000_000,
}

/** The parameters of a policy's state that relations go by. */
export interface StateParameters extends Omit<RelationsOptions, 'maxKeys'> {
  readonly maxAccounts: number
}

/** The state parameters of a policy, as relations take them: as many counterparties, and devices, as accounts. */
export function relationsOptions(state: StateParameters): RelationsOptions {
  const { labelDelayMs, labelMemoryMs, alertMemoryMs, maxAccounts, maxRemembered } = state
  return { labelDelayMs, labelMemoryMs, alertMemoryMs, maxKeys: maxAccounts, maxRemembered }
}

/** One journaled input, as relations look at it. */
export interface RelationsInput<T extends EventTopic = EventTopic> {
  readonly topic: T
  readonly event: RawViews[T]
  readonly status: InputStatus
  /** On outcomes: the labelled payment's distance from habit as it stood when decided, hundredths, from the journal; null unknown. */
  readonly habitDistanceCenti: number | null
  /** Stream time at the input. */
  readonly streamTimeMs: number
}

/** Where an input's keys lie, and when it came. */
interface Moment {
  readonly place: number
  readonly streamTimeMs: number
}

/** A fact whose content changed. */
export interface ChangedFact {
  readonly kind: 'counterparty' | 'device'
  readonly key: string
  readonly value: Uint8Array
}

/** Things that were counted because a limit was reached or something did not fit; all from 0. */
export interface RelationsCounters {
  counterpartiesRefused: number
  devicesRefused: number
  outcomesUnmatched: number
  outcomesSuperseded: number
  /** Alerts that had to go for others on the same counterparty. */
  alertsForgotten: number
}

/**
 * What is known of counterparties and devices: a fold of the journals' inputs, in their order. Same inputs, same facts, to the last byte.
 *
 * When a counterparty's fact changes: a fraud of it becomes known, or a legitimate payment while a fraud stands in its register or its rates;
 * a trade with it ends, an alert or report names it, or an alert on it is over; or the number of its payments, of its distinct payers or of
 * its payments known legitimate reaches a power of two. A payment at a well-known counterparty without frauds changes nothing, nor does its label, so that
 * journals stay small; the state holds the exact values all along, and a change publishes all of them. A device's fact changes with each further account
 * that uses it, from the second on, and with a known fraud.
 *
 * Attribution: a fraud counts in the decayed rates only if the amount does not explain it, that is, if it lay at most 2.5 deviations
 * from the account's habit when it was decided; unknown counts as explained. Counterfeits always count: they are the seller's doing.
 *
 * Only what was screened counts as a payment or trade, each once however many phases it goes through (by account and business id, as long as
 * it is remembered), and so does each way in which a trade ended; refunds and cancellations do not. When its label delay is over, a payment
 * without a fraud report is known legitimate, and so is a trade that was seen completed and not disputed by then. Outcomes and alerts count
 * however late they are; an alert stands until it is cleared, by the same provider in the same kind for the same subject, or is over. A report of
 * counterfeits that is told again while it stands is one report.
 */
export class RelationsState {
  readonly counters: RelationsCounters = {
    counterpartiesRefused: 0,
    devicesRefused: 0,
    outcomesUnmatched: 0,
    outcomesSuperseded: 0,
    alertsForgotten: 0,
  }
  readonly counterparties: CounterpartyMemory
  readonly devices: DeviceMemory
  readonly queue: LabelQueue
  /** Lanes of the queue: account hash, bits of a trade (see `IS_TRADE`), hash of the business id, device number + 1. */
  static readonly LANES = 4
  readonly recent: RecentIds
  /** Keys of the inputs at work: of a block, or of one. */
  readonly keys = new InputKeys()
  private readonly ahead: TouchAhead

  constructor(readonly options: RelationsOptions = DEFAULT_RELATIONS_OPTIONS) {
    this.counterparties = new CounterpartyMemory(options.maxKeys)
    this.devices = new DeviceMemory(options.maxKeys)
    this.queue = new LabelQueue({
      delayMs: options.labelDelayMs,
      memoryMs: options.labelMemoryMs,
      maxEntries: options.maxRemembered,
      integerLanes: RelationsState.LANES,
    })
    this.recent = new RecentIds(this.queue, { account: ACCOUNT, id: ID })
    this.ahead = new TouchAhead(this)
  }

  /** `advance` to, and `observe` of, the first `count` of these inputs (at most `MAX_BLOCK`), in their order: together they take less time. */
  fold(inputs: readonly RelationsInput[], count: number): void {
    for (let i = 0; i < count; i++) this.keys.read(inputs[i], i)
    this.ahead.touch(inputs, count)
    for (let i = 0; i < count; i++) {
      this.advance(inputs[i].streamTimeMs)
      this.take(inputs[i], i)
    }
  }

  /**
   * Lets time pass: payments and trades whose label delay ended strictly before `streamTimeMs` become known legitimate, as of the end of their delay,
   * and alerts end that stand until then or less. All in order of time, so that it does not matter in how many steps it passes.
   */
  advance(streamTimeMs: number): void {
    const { counterparties, queue } = this
    for (let entry = queue.nextDue(streamTimeMs); entry >= 0; entry = queue.nextDue(streamTimeMs)) {
      if (queue.state(entry) !== PENDING || !isDone(queue.words[queue.lanes(entry) + TRADE_BITS])) continue
      queue.setState(entry, LEGITIMATE)
      const owner = queue.owner(entry)
      const timeMs = queue.timeMs(entry)
      const knownAtMs = timeMs + this.options.labelDelayMs
      counterparties.endAlerts(knownAtMs)
      if (counterparties.knowLegitimate(owner, timeMs, knownAtMs)) counterparties.touch(owner)
    }
    counterparties.endAlerts(streamTimeMs)
    for (let entry = queue.nextForgotten(streamTimeMs); entry >= 0; entry = queue.nextForgotten(streamTimeMs)) this.recent.remove(entry)
  }

  /** Takes one journaled input in. Call `advance` with its stream time first. */
  observe<T extends EventTopic>(input: RelationsInput<T>): void {
    this.keys.read(input, 0)
    this.take(input, 0)
  }

  /** Takes an input in whose keys are read, at a place of `keys`. */
  private take({ topic, event, status, habitDistanceCenti, streamTimeMs }: RelationsInput, place: number): void {
    const screened = status === 'screened'
    if (topic === 'payments' && screened) this.observePayment(event as PaymentView, { place, streamTimeMs })
    else if (topic === 'p2p-trades' && screened) this.observeTrade(event as P2pTradeView, { place, streamTimeMs })
    else if (topic === 'logins' && screened) this.observeLogin(event as LoginView, place)
    else if (status !== 'observed' && status !== 'late') return
    else if (topic === 'outcomes') this.observeOutcome(event as OutcomeView, { place, habitDistanceCenti, streamTimeMs })
    else if (topic === 'risk-alerts') this.observeAlert(event as RiskAlertView, streamTimeMs)
  }

  private counterparty(bytes: Uint8Array, id: TokenSpan, timeMs: number): number {
    const number = this.counterparties.findSpan(bytes, id, timeMs)
    if (number < 0) this.counters.counterpartiesRefused++
    return number
  }

  private device(event: PaymentView | P2pTradeView | LoginView, place: number): number {
    const { devices, keys } = this
    const { eventTimeMs: timeMs } = event
    const known = keys.devices[place]
    const number = known >= 0 ? known : devices.findSpan(event.bytes, event.deviceIdSpan, timeMs)
    if (number < 0) {
      this.counters.devicesRefused++
      return -1
    }
    devices.moveTo(number, timeMs)
    if (devices.addAccount(number, keys.accounts[place] >>> 0) > 1) devices.touch(number)
    return number
  }

  private observePayment(event: PaymentView, at: Moment): void {
    const { phase } = event
    if (event.kind === 'refund' || phase === 'refunded' || phase === 'cancelled') return
    this.remember(event, 0, at)
  }

  private observeTrade(event: P2pTradeView, at: Moment): void {
    const { phase } = event
    const counterparty = this.remember(event, IS_TRADE, at)
    if (counterparty < 0 || (phase !== 'completed' && phase !== 'disputed' && phase !== 'cancelled')) return
    const { keys, queue, recent } = this
    const lane = queue.lanes(recent.find(keys.accounts[at.place], keys.ids[at.place])) + TRADE_BITS
    if ((queue.words[lane] & ENDED[phase]) !== 0) return
    queue.words[lane] |= ENDED[phase]
    this.counterparties.countOther(counterparty, phase)
    this.counterparties.moveTo(counterparty, at.streamTimeMs)
    this.counterparties.touch(counterparty)
  }

  /** Remembers a payment or trade once; returns its counterparty, or -1. */
  private remember(event: PaymentView | P2pTradeView, trade: 0 | typeof IS_TRADE, { place, streamTimeMs }: Moment): number {
    const { counterparties, queue, recent, keys } = this
    const { bytes, eventTimeMs } = event
    const known = keys.counterparties[place]
    const counterparty = known >= 0 ? known : this.counterparty(bytes, event.counterpartyIdSpan, eventTimeMs)
    const account = keys.accounts[place]
    const id = keys.ids[place]
    const device = event.deviceIdSpan === 0 ? -1 : this.device(event, place)
    if (counterparty < 0 || recent.find(account, id) >= 0) return counterparty
    const entry = queue.add(keys.lows[place], keys.highs[place], eventTimeMs, counterparty)
    const lane = queue.lanes(entry)
    const lanes = queue.words
    lanes[lane + ACCOUNT] = account
    lanes[lane + TRADE_BITS] = trade
    lanes[lane + ID] = id
    lanes[lane + DEVICE] = device + 1
    recent.add(entry)
    if (counterparties.count(counterparty, account >>> 0)) {
      counterparties.moveTo(counterparty, streamTimeMs)
      counterparties.touch(counterparty)
    }
    return counterparty
  }

  private observeLogin(event: LoginView, place: number): void {
    if (event.outcome === 'success') this.device(event, place)
  }

  private observeOutcome(event: OutcomeView, input: Moment & { readonly habitDistanceCenti: number | null }): void {
    const { label, subjectEventTimeMs } = event
    const bad = label === 'fraud' || label === 'chargeback' || label === 'counterfeit'
    if (!bad && label !== 'legitimate' && label !== 'false-positive') return
    const { counterparties, queue } = this
    const { streamTimeMs } = input
    const entry = this.subjectOf(input.place, subjectEventTimeMs)
    if (entry < 0) {
      this.counters.outcomesUnmatched++
      if (!bad || event.counterpartyIdSpan === 0) return
      const counterparty = this.counterparty(event.bytes, event.counterpartyIdSpan, event.eventTimeMs)
      if (counterparty >= 0) this.knowFraud(counterparty, subjectEventTimeMs, { ...input, label, corrects: false })
      return
    }
    const state = queue.state(entry)
    if (state === FRAUD || state === CLEARED) {
      this.counters.outcomesSuperseded++
      return
    }
    const owner = queue.owner(entry)
    if (bad) {
      queue.setState(entry, FRAUD)
      this.knowFraud(owner, subjectEventTimeMs, { ...input, label, corrects: state === LEGITIMATE })
      const device = queue.words[queue.lanes(entry) + DEVICE] - 1
      if (device < 0) return
      this.devices.knowFraud(device, subjectEventTimeMs, streamTimeMs)
      this.devices.touch(device)
      return
    }
    queue.setState(entry, CLEARED)
    if (state === LEGITIMATE) return
    if (counterparties.knowLegitimate(owner, subjectEventTimeMs, streamTimeMs)) counterparties.touch(owner)
  }

  /** The remembered payment or trade that an outcome labels, if it is of the same account, or -1. */
  private subjectOf(place: number, subjectEventTimeMs: number): number {
    const { keys, queue } = this
    const entry = queue.find(keys.lows[place], keys.highs[place], subjectEventTimeMs)
    return entry >= 0 && queue.words[queue.lanes(entry) + ACCOUNT] === keys.accounts[place] ? entry : -1
  }

  private knowFraud(
    counterparty: number,
    paymentTimeMs: number,
    how: {
      readonly label: 'fraud' | 'chargeback' | 'counterfeit'
      readonly habitDistanceCenti: number | null
      readonly streamTimeMs: number
      readonly corrects: boolean
    },
  ): void {
    const { label, habitDistanceCenti, streamTimeMs, corrects } = how
    const { counterparties } = this
    const attributed = label === 'counterfeit' || (habitDistanceCenti !== null && habitDistanceCenti <= EXPLAINED_ABOVE_CENTI)
    counterparties.knowFraud(counterparty, { paymentTimeMs, knownAtMs: streamTimeMs }, { attributed, corrects })
    if (label !== 'fraud') counterparties.countOther(counterparty, label)
    counterparties.touch(counterparty)
  }

  private observeAlert(event: RiskAlertView, streamTimeMs: number): void {
    const { counterparties } = this
    const { kind } = event
    // A merchant is an account too: a report of counterfeits on its account is one on the counterparty of that name.
    const aboutAccount = event.counterpartyIdSpan === 0 && kind === 'counterfeit' && event.subjectEventIdAt === 0
    const id = aboutAccount ? event.accountIdSpan : event.counterpartyIdSpan
    if (id === 0) return
    const counterparty = this.counterparty(event.bytes, id, event.eventTimeMs)
    if (counterparty < 0) return
    counterparties.moveTo(counterparty, streamTimeMs)
    const subject = alertSubjectOf(event, counterparty)
    if (event.result === 'clear') counterparties.clear({ ...subject, timeMs: event.eventTimeMs })
    else {
      const { severity, eventTimeMs: fromMs } = event
      const untilMs = event.expiresAtMs ?? fromMs + this.options.alertMemoryMs
      if (kind === 'counterfeit' && !counterparties.alerts.standsOn(subject)) counterparties.countOther(counterparty, 'counterfeit')
      if (untilMs > streamTimeMs && counterparties.alert({ ...subject, severity, fromMs, untilMs })) this.counters.alertsForgotten++
    }
    counterparties.touch(counterparty)
  }

  /** Facts that changed since the last call, by kind, then key (code units), with their bytes of now. */
  takeChanged(): ChangedFact[] {
    const { counterparties, devices } = this
    const facts: ChangedFact[] = []
    for (const { key, number } of byKey(counterparties.takeChanged(), (one) => counterparties.keyOf(one)))
      facts.push({ kind: 'counterparty', key, value: encodeCounterpartyFact(counterparties.factOf(number)) })
    for (const { key, number } of byKey(devices.takeChanged(), (one) => devices.keyOf(one)))
      facts.push({ kind: 'device', key, value: encodeDeviceFact(devices.factOf(number)) })
    return facts
  }

  /** Changes that `takeChanged` would give now. */
  get changedCount(): number {
    return this.counterparties.changedCount + this.devices.changedCount
  }

  /** Writes everything needed to go on as if nothing had happened, pending changes included. */
  writeSnapshot(writer: ByteWriter): void {
    new RelationsCodec(this).write(writer)
  }

  /** Fills a fresh state from what `writeSnapshot` wrote. Throws `snapshot-unusable`. */
  readSnapshot(reader: ByteReader): void {
    new RelationsCodec(this).read(reader)
  }

  /** SHA-256 of the logical content as of the stream time (`advance` is called with it): keys in order, layout and lazy expiry left out. */
  canonicalHash(streamTimeMs: number): Uint8Array {
    this.advance(streamTimeMs)
    const writer = new ByteWriter()
    new RelationsCodec(this).writeCanonical(writer)
    return createHash('sha256').update(writer.written()).digest()
  }
}

/** True where a payment or trade of these bits is over and legitimate unless a fraud report says otherwise. */
function isDone(trade: number): boolean {
  return trade === 0 || (trade & (ENDED.completed | ENDED.disputed)) === ENDED.completed
}

/** What a report on a counterparty is about: who says what, and of which event, if of one. */
function alertSubjectOf(event: RiskAlertView, number: number): AlertSubject {
  const origin = hashToken(`${event.provider}\n${event.kind}`)
  if (event.subjectEventIdAt === 0) return { number, origin, low: 0, high: 0 }
  fingerprintEventAt(event.bytes, event.subjectEventIdAt)
  return { number, origin, low: fingerprint[0], high: fingerprint[1] }
}
