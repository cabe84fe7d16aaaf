import { createHash } from 'node:crypto'
import type { EventTopic, InputStatus } from '@riskledger/contracts'
import type { Login, Outcome, P2pTrade, Payment, RawEvents, RiskAlert } from '@riskledger/events'
import { ByteWriter, type ByteReader } from '@riskledger/windows'
import { CounterpartyMemory, DeviceMemory } from './counterparty-memory'
import { fingerprint, fingerprintEvent } from './event-fingerprint'
import { encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import { CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING } from './label-queue'
import { RecentIds } from './recent-ids'
import { RelationsCodec } from './relations-codec'
import { hashToken } from './token-hash'

/** A payment is attributed to its counterparty if its amount lay at most this far from the account's habit, in hundredths of a deviation. */
const EXPLAINED_ABOVE_CENTI = 250

// Lanes of the queue behind the account's hash.
const TRADE = 1
const ID = 2
const DEVICE = 3

/** Numbers by which a `RelationsState` works; policy gives them. */
export interface RelationsOptions {
  /** A payment is known legitimate once this long has passed without a fraud report, in ms. Default 7 days. */
  readonly labelDelayMs: number
  /** Payments are remembered this long, so that a late fraud report can be attributed, in ms. Default 30 days. */
  readonly labelMemoryMs: number
  /** Counterparties held, and devices held. Default 4,000,000 each; what lies beyond is counted and not remembered. */
  readonly maxKeys: number
  /** Payments remembered in all. Default 8,000,000. */
  readonly maxRemembered: number
}

export const DEFAULT_RELATIONS_OPTIONS: RelationsOptions = {
  labelDelayMs: 604_800_000,
  labelMemoryMs: 2_592_000_000,
  maxKeys: 4_000_000,
  maxRemembered: 8_000_000,
}

/** One journaled input, as relations look at it. */
export interface RelationsInput<T extends EventTopic = EventTopic> {
  readonly topic: T
  readonly event: RawEvents[T]
  readonly status: InputStatus
  /** On outcomes: the labelled payment's distance from habit as it stood when decided, hundredths, from the journal; null unknown. */
  readonly habitDistanceCenti: number | null
  /** Stream time at the input. */
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
}

/**
 * What is known of counterparties and devices: a fold of the journals' inputs, in their order. Same inputs, same facts, to the last byte.
 *
 * When a counterparty's fact changes: a fraud of it becomes known, or a legitimate payment while a fraud stands in its register or its rates;
 * a trade with it ends, an alert or report names it; or the number of its payments, of its distinct payers or of its payments known
 * legitimate reaches a power of two. A payment at a well-known counterparty without frauds changes nothing, nor does its label, so that
 * journals stay small; the state holds the exact values all along, and a change publishes all of them. A device's fact changes with each further account
 * that uses it, from the second on, and with a known fraud.
 *
 * Attribution: a fraud counts in the decayed rates only if the amount does not explain it, that is, if it lay at most 2.5 deviations
 * from the account's habit when it was decided; unknown counts as explained. Counterfeits always count: they are the seller's doing.
 *
 * Only what was screened counts as a payment or trade, each once however many phases it goes through (by account and payment id, as long as
 * it is remembered); refunds and cancellations do not. Outcomes and alerts count however late they are.
 */
export class RelationsState {
  readonly counters: RelationsCounters = { counterpartiesRefused: 0, devicesRefused: 0, outcomesUnmatched: 0, outcomesSuperseded: 0 }
  readonly counterparties: CounterpartyMemory[] = []
  readonly devices: DeviceMemory[] = []
  readonly counterpartyIndex = new Map<string, CounterpartyMemory>()
  readonly deviceIndex = new Map<string, number>()
  readonly queue: LabelQueue
  /** Lanes of the queue: account hash, 1 for a trade, hash of the business id, device number + 1. */
  static readonly LANES = 4
  readonly recent: RecentIds
  private changed: (CounterpartyMemory | DeviceMemory)[] = []

  constructor(readonly options: RelationsOptions = DEFAULT_RELATIONS_OPTIONS) {
    this.queue = new LabelQueue({
      delayMs: options.labelDelayMs,
      memoryMs: options.labelMemoryMs,
      maxEntries: options.maxRemembered,
      integerLanes: RelationsState.LANES,
    })
    this.recent = new RecentIds()
  }

  /** Lets time pass: payments whose label delay ended strictly before `streamTimeMs` become known legitimate, as of the end of their delay. */
  advance(streamTimeMs: number): void {
    const queue = this.queue
    for (let entry = queue.nextDue(streamTimeMs); entry >= 0; entry = queue.nextDue(streamTimeMs)) {
      if (queue.state(entry) !== PENDING || queue.words[queue.lanes(entry) + TRADE] === 1) continue
      queue.setState(entry, LEGITIMATE)
      const memory = this.counterparties[queue.owner(entry)]
      if (memory.knowLegitimate(queue.timeMs(entry), queue.timeMs(entry) + this.options.labelDelayMs)) this.touch(memory)
    }
    for (let entry = queue.nextForgotten(streamTimeMs); entry >= 0; entry = queue.nextForgotten(streamTimeMs)) this.recent.remove(entry)
  }

  private touch(memory: CounterpartyMemory | DeviceMemory): void {
    if (memory.changed) return
    memory.changed = true
    this.changed.push(memory)
  }

  /** Takes one journaled input in. Call `advance` with its stream time first. */
  observe<T extends EventTopic>(input: RelationsInput<T>): void {
    const { topic, event, status } = input
    const screened = status === 'screened'
    if (topic === 'payments' && screened) this.observePayment(event as Payment, input.streamTimeMs)
    else if (topic === 'p2p-trades' && screened) this.observeTrade(event as P2pTrade, input.streamTimeMs)
    else if (topic === 'logins' && screened) this.observeLogin(event as Login)
    else if (status !== 'observed' && status !== 'late') return
    else if (topic === 'outcomes') this.observeOutcome(event as Outcome, input)
    else if (topic === 'risk-alerts') this.observeAlert(event as RiskAlert, input.streamTimeMs)
  }

  private counterparty(key: string, timeMs: number): CounterpartyMemory | undefined {
    let memory = this.counterpartyIndex.get(key)
    if (memory !== undefined) return memory
    if (this.counterparties.length >= this.options.maxKeys) {
      this.counters.counterpartiesRefused++
      return undefined
    }
    memory = new CounterpartyMemory(key, timeMs, this.counterparties.length)
    this.counterparties.push(memory)
    this.counterpartyIndex.set(key, memory)
    return memory
  }

  private device(key: string, accountHash: number, timeMs: number): number {
    let number = this.deviceIndex.get(key)
    if (number === undefined) {
      if (this.devices.length >= this.options.maxKeys) {
        this.counters.devicesRefused++
        return -1
      }
      number = this.devices.length
      this.devices.push(new DeviceMemory(key, timeMs))
      this.deviceIndex.set(key, number)
    }
    const memory = this.devices[number]
    if (timeMs > memory.fact.asOfMs) memory.fact.asOfMs = timeMs
    if (memory.accounts.add(accountHash)) {
      memory.fact.distinctAccounts = memory.accounts.count
      if (memory.accounts.count > 1) this.touch(memory)
    }
    return number
  }

  private observePayment(event: Payment, streamTimeMs: number): void {
    if (event.kind === 'refund' || event.phase === 'refunded' || event.phase === 'cancelled') return
    this.remember(event, { id: event.paymentId, trade: false, streamTimeMs })
  }

  private observeTrade(event: P2pTrade, streamTimeMs: number): void {
    const memory = this.remember(event, { id: event.tradeId, trade: true, streamTimeMs })
    if (memory === undefined) return
    if (event.phase === 'completed') memory.fact.tradesCompleted++
    else if (event.phase === 'disputed') memory.fact.tradesDisputed++
    else if (event.phase === 'cancelled') memory.fact.tradesCancelled++
    else return
    memory.moveTo(streamTimeMs)
    this.touch(memory)
  }

  private remember(
    event: Payment | P2pTrade,
    how: { readonly id: string; readonly trade: boolean; readonly streamTimeMs: number },
  ): CounterpartyMemory | undefined {
    const memory = this.counterparty(event.counterpartyId, event.eventTimeMs)
    const account = hashToken(event.accountId) | 0
    const device = event.deviceId === null ? -1 : this.device(event.deviceId, account >>> 0, event.eventTimeMs)
    if (memory === undefined) return undefined
    const id = hashToken(how.id) | 0
    if (this.recent.has(account, id)) return memory
    fingerprintEvent(event.eventId)
    const entry = this.queue.add(fingerprint[0], fingerprint[1], event.eventTimeMs, memory.number)
    const lane = this.queue.lanes(entry)
    const lanes = this.queue.words
    lanes[lane] = account
    lanes[lane + TRADE] = how.trade ? 1 : 0
    lanes[lane + ID] = id
    lanes[lane + DEVICE] = device + 1
    this.recent.add(entry, { account, id })
    if (memory.count(account >>> 0)) {
      memory.moveTo(how.streamTimeMs)
      this.touch(memory)
    }
    return memory
  }

  private observeLogin(event: Login): void {
    if (event.outcome === 'success') this.device(event.deviceId, hashToken(event.accountId), event.eventTimeMs)
  }

  private observeOutcome(event: Outcome, input: { readonly habitDistanceCenti: number | null; readonly streamTimeMs: number }): void {
    const bad = event.label === 'fraud' || event.label === 'chargeback' || event.label === 'counterfeit'
    if (!bad && event.label !== 'legitimate' && event.label !== 'false-positive') return
    const { queue } = this
    fingerprintEvent(event.subjectEventId)
    let entry = queue.find(fingerprint[0], fingerprint[1], event.subjectEventTimeMs)
    if (entry >= 0 && queue.words[queue.lanes(entry)] !== (hashToken(event.accountId) | 0)) entry = -1
    if (entry < 0) {
      this.counters.outcomesUnmatched++
      if (bad && event.counterpartyId !== null)
        this.knowFraud(this.counterparty(event.counterpartyId, event.eventTimeMs), event, { ...input, corrects: false })
      return
    }
    const state = queue.state(entry)
    if (state === FRAUD || state === CLEARED) {
      this.counters.outcomesSuperseded++
      return
    }
    const memory = this.counterparties[queue.owner(entry)]
    if (bad) {
      queue.setState(entry, FRAUD)
      this.knowFraud(memory, event, { ...input, corrects: state === LEGITIMATE })
      const device = queue.words[queue.lanes(entry) + DEVICE] - 1
      if (device >= 0) this.knowDeviceFraud(this.devices[device], event.subjectEventTimeMs, input.streamTimeMs)
      return
    }
    queue.setState(entry, CLEARED)
    if (state === LEGITIMATE || queue.words[queue.lanes(entry) + TRADE] === 1) return
    if (memory.knowLegitimate(event.subjectEventTimeMs, input.streamTimeMs)) this.touch(memory)
  }

  private knowFraud(
    memory: CounterpartyMemory | undefined,
    event: Outcome,
    how: { readonly habitDistanceCenti: number | null; readonly streamTimeMs: number; readonly corrects: boolean },
  ): void {
    if (memory === undefined) return
    const { habitDistanceCenti, corrects } = how
    const attributed = event.label === 'counterfeit' || (habitDistanceCenti !== null && habitDistanceCenti <= EXPLAINED_ABOVE_CENTI)
    memory.knowFraud(event.subjectEventTimeMs, how.streamTimeMs, { attributed, corrects })
    if (event.label === 'chargeback') memory.fact.chargebacks++
    if (event.label === 'counterfeit') memory.fact.counterfeitReports++
    this.touch(memory)
  }

  private knowDeviceFraud(memory: DeviceMemory, paymentTimeMs: number, nowMs: number): void {
    if (paymentTimeMs > memory.fact.lastKnownFraudMs) memory.fact.lastKnownFraudMs = paymentTimeMs
    if (nowMs > memory.fact.asOfMs) memory.fact.asOfMs = nowMs
    this.touch(memory)
  }

  private observeAlert(event: RiskAlert, streamTimeMs: number): void {
    // A merchant is an account too: a report of counterfeits on its account is one on the counterparty of that name.
    const key = event.counterpartyId ?? (event.kind === 'counterfeit' && event.subjectEventId === null ? event.accountId : null)
    if (key === null) return
    const memory = this.counterparty(key, event.eventTimeMs)
    if (memory === undefined) return
    memory.moveTo(streamTimeMs)
    const origin = `${event.provider}\n${event.kind}`
    if (event.result === 'clear') memory.clear(origin)
    else {
      memory.alert(origin, event.severity)
      if (event.kind === 'counterfeit') memory.fact.counterfeitReports++
    }
    this.touch(memory)
  }

  /** Facts that changed since the last call, by kind, then key (code units), with their bytes of now. */
  takeChanged(): ChangedFact[] {
    const facts = this.changed.map((memory): ChangedFact => {
      memory.changed = false
      return memory instanceof CounterpartyMemory
        ? { kind: 'counterparty', key: memory.key, value: encodeCounterpartyFact(memory.fact) }
        : { kind: 'device', key: memory.key, value: encodeDeviceFact(memory.fact) }
    })
    this.changed = []
    return facts.sort((a, b) => (a.kind !== b.kind ? (a.kind < b.kind ? -1 : 1) : a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  }

  /** Changes that `takeChanged` would give now. */
  get changedCount(): number {
    return this.changed.length
  }

  /** Writes everything needed to go on as if nothing had happened, pending changes included. */
  writeSnapshot(writer: ByteWriter): void {
    new RelationsCodec(this).write(writer)
  }

  /** Fills a fresh state from what `writeSnapshot` wrote. Throws `snapshot-unusable`. */
  readSnapshot(reader: ByteReader): void {
    new RelationsCodec(this).read(reader)
    for (const memory of [...this.counterparties, ...this.devices]) if (memory.changed) this.changed.push(memory)
  }

  /** SHA-256 of the logical content as of the stream time (`advance` is called with it): keys in order, layout and lazy expiry left out. */
  canonicalHash(streamTimeMs: number): Uint8Array {
    this.advance(streamTimeMs)
    const writer = new ByteWriter()
    new RelationsCodec(this).writeCanonical(writer)
    return createHash('sha256').update(writer.written()).digest()
  }
}
