import type { TokenSpan } from '@riskledger/events'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import type { CounterpartyFact } from './facts'
import {
  ALERT,
  AS_OF,
  CHANGED,
  CHARGEBACKS,
  COUNTERFEITS,
  CounterpartyTable,
  FRAUDS_3D,
  FRAUDS_7D,
  FRAUD_TOTAL,
  KNOWN_3D,
  KNOWN_7D,
  LAST_FRAUD,
  LAST_LEGITIMATE,
  LEGITIMATE_TOTAL,
  PAYERS,
  PAYERS_PLACE,
  PAYMENTS,
  REGISTER,
  REGISTER_LENGTH,
  ROW_BYTES,
  ROW_DOUBLES,
  ROW_WORDS,
  TRADES_CANCELLED,
  TRADES_COMPLETED,
  TRADES_DISPUTED,
} from './counterparty-table'
import { HALF_LIFE_3D_MS, HALF_LIFE_7D_MS, ONE, decay, gridLines } from './decay'
import { HashSets } from './hash-sets'
import { StandingAlerts, type AlertClear, type StandingAlert } from './standing-alerts'

/** A decayed fraud that weighs less than a hundredth of a fresh one. */
const NEGLIGIBLE = Math.floor(ONE / 100)

/** What may be counted of a counterparty beside its payments. */
const COUNTS = {
  completed: TRADES_COMPLETED,
  disputed: TRADES_DISPUTED,
  cancelled: TRADES_CANCELLED,
  chargeback: CHARGEBACKS,
  counterfeit: COUNTERFEITS,
} as const

/** How a payment came to be known as fraud. */
export interface KnownFraud {
  /** Its amount does not explain it, so the rates take it as the counterparty's. */
  readonly attributed: boolean
  /** It had counted as legitimate: the totals are corrected; register and rates take the fraud in as one more label, the last legitimate time stays. */
  readonly corrects: boolean
}

/** What relations keep of all counterparties, by number: their facts, always current, and what the facts are made from. */
export class CounterpartyMemory {
  readonly alerts = new StandingAlerts()
  private readonly table: CounterpartyTable
  private readonly payers = new HashSets()
  private changed: number[] = []

  /** `maxKeys`: counterparties held. */
  constructor(maxKeys: number) {
    this.table = new CounterpartyTable(maxKeys)
  }

  /** Counterparties held; their numbers are those below. */
  get size(): number {
    return this.table.size
  }

  /** The counterparty's number, a new one if need be, first seen then; -1 where `maxKeys` are held already. */
  find(key: string, timeMs: number): number {
    return this.table.find(key, timeMs)
  }

  /** The number of the counterparty at a span, where that can be told at once; else -1 or below. */
  numberAhead(bytes: Uint8Array, id: TokenSpan): number {
    return this.table.numberAhead(bytes, id)
  }

  /** Reads what payments and their labels change of a row, and nothing else: memory asked for ahead. */
  touchRow(number: number): number {
    const { words } = this.table
    // Both ends of it: it is one line of memory only where the array begins with a line.
    return words[number * ROW_WORDS] ^ words[number * ROW_WORDS + PAYERS_PLACE]
  }

  /** Reads where the search for a payer begins; see `touchRow`. */
  touchPayer(number: number, accountHash: number): number {
    const { words, bytes } = this.table
    return this.payers.touch(words[number * ROW_WORDS + PAYERS_PLACE], bytes[number * ROW_BYTES + PAYERS], accountHash)
  }

  /** `find` of the key that lies at a span of a record's bytes. */
  findSpan(bytes: Uint8Array, id: TokenSpan, timeMs: number): number {
    return this.table.findSpan(bytes, id, timeMs)
  }

  keyOf(number: number): string {
    return this.table.keyOf(number)
  }

  /** Its fact: one object, overwritten by the next call. */
  factOf(number: number): CounterpartyFact {
    return this.table.factOf(number)
  }

  /** Hashes of the accounts that paid it, in ascending order. */
  payersOf(number: number): Uint32Array {
    const { words, bytes } = this.table
    return this.payers.members(words[number * ROW_WORDS + PAYERS_PLACE], bytes[number * ROW_BYTES + PAYERS])
  }

  /** Moves the fact to a moment, decaying its rates; a moment before `asOfMs` counts as `asOfMs`. */
  moveTo(number: number, timeMs: number): void {
    const { doubles } = this.table
    const row = number * ROW_DOUBLES
    const asOfMs = doubles[row + AS_OF]
    if (timeMs <= asOfMs) return
    doubles[row + AS_OF] = timeMs
    const lines3d = gridLines(HALF_LIFE_3D_MS, asOfMs, timeMs)
    if (lines3d > 0) {
      doubles[row + FRAUDS_3D] = decay(doubles[row + FRAUDS_3D], lines3d)
      doubles[row + KNOWN_3D] = decay(doubles[row + KNOWN_3D], lines3d)
    }
    const lines7d = gridLines(HALF_LIFE_7D_MS, asOfMs, timeMs)
    if (lines7d > 0) {
      doubles[row + FRAUDS_7D] = decay(doubles[row + FRAUDS_7D], lines7d)
      doubles[row + KNOWN_7D] = decay(doubles[row + KNOWN_7D], lines7d)
    }
  }

  /** One more payment or trade. True where a coarse step (1, 2, 4, 8, ...) of payments or payers was crossed. */
  count(number: number, accountHash: number): boolean {
    const { words } = this.table
    const payments = ++words[number * ROW_WORDS + PAYMENTS]
    const payers = this.addPayer(number, accountHash)
    return isPowerOfTwo(payments) || (payers > 0 && isPowerOfTwo(payers))
  }

  /** How many payers it has with this one, or 0 if it had it already, or has 64. */
  addPayer(number: number, accountHash: number): number {
    const { words, bytes } = this.table
    const row = number * ROW_WORDS
    const before = bytes[number * ROW_BYTES + PAYERS]
    const place = this.payers.add(words[row + PAYERS_PLACE], before, accountHash)
    if (place < 0) return 0
    words[row + PAYERS_PLACE] = place
    bytes[number * ROW_BYTES + PAYERS] = before + 1
    return before + 1
  }

  private countKnown(number: number): void {
    const { doubles } = this.table
    doubles[number * ROW_DOUBLES + KNOWN_3D] += ONE
    doubles[number * ROW_DOUBLES + KNOWN_7D] += ONE
  }

  /** The last eight known ones, the newest in bit 0. */
  private pushRegister(number: number, fraud: 0 | 1): void {
    const { bytes } = this.table
    const row = number * ROW_BYTES
    bytes[row + REGISTER] = (bytes[row + REGISTER] << 1) | fraud
    if (bytes[row + REGISTER_LENGTH] < 8) bytes[row + REGISTER_LENGTH]++
  }

  /**
   * A payment of `paymentTimeMs` became known legitimate at `knownAtMs`. True where that says something: of a counterparty with frauds in its
   * register or its rates it does, of any other only when the number crosses a coarse step.
   */
  knowLegitimate(number: number, paymentTimeMs: number, knownAtMs: number): boolean {
    this.moveTo(number, knownAtMs)
    const { doubles, words, bytes } = this.table
    const row = number * ROW_DOUBLES
    const tainted = bytes[number * ROW_BYTES + REGISTER] !== 0 || doubles[row + FRAUDS_7D] > NEGLIGIBLE
    this.countKnown(number)
    this.pushRegister(number, 0)
    const total = ++words[number * ROW_WORDS + LEGITIMATE_TOTAL]
    if (paymentTimeMs > doubles[row + LAST_LEGITIMATE]) doubles[row + LAST_LEGITIMATE] = paymentTimeMs
    return tainted || isPowerOfTwo(total)
  }

  /** A payment of `paymentTimeMs` became known fraud at `knownAtMs`. */
  knowFraud(number: number, times: { readonly paymentTimeMs: number; readonly knownAtMs: number }, how: KnownFraud): void {
    this.moveTo(number, times.knownAtMs)
    const { doubles, words } = this.table
    const row = number * ROW_DOUBLES
    if (how.corrects) words[number * ROW_WORDS + LEGITIMATE_TOTAL]--
    // Even where it corrects: the label that it counted for has decayed since, and a rate above one would come of it.
    this.countKnown(number)
    this.pushRegister(number, 1)
    words[number * ROW_WORDS + FRAUD_TOTAL]++
    if (how.attributed) {
      doubles[row + FRAUDS_3D] += ONE
      doubles[row + FRAUDS_7D] += ONE
    }
    if (times.paymentTimeMs > doubles[row + LAST_FRAUD]) doubles[row + LAST_FRAUD] = times.paymentTimeMs
  }

  /** One more trade that ended so, or report of that kind. */
  countOther(number: number, what: keyof typeof COUNTS): void {
    this.table.words[number * ROW_WORDS + COUNTS[what]]++
  }

  /** A provider's alert; true where another had to go for it, see `StandingAlerts.raise`. */
  alert(alert: StandingAlert): boolean {
    const tooMany = this.alerts.raise(alert)
    this.showAlerts(alert.number)
    return tooMany
  }

  /** A provider's clear: ends what it said of the same subject before. */
  clear(clear: AlertClear): void {
    this.alerts.clear(clear)
    this.showAlerts(clear.number)
  }

  /** Lets alerts end whose time is over at `nowMs`, in order of their ends; a fact that thereby changes is one to publish, as of that end. */
  endAlerts(nowMs: number): void {
    for (let endMs = this.alerts.nextEndMs; endMs <= nowMs; endMs = this.alerts.nextEndMs) {
      const number = this.alerts.endNext()
      if (!this.showAlerts(number)) continue
      this.moveTo(number, endMs)
      this.touch(number)
    }
  }

  /** Puts the severity of the gravest alert into the fact; true where that changes it. */
  private showAlerts(number: number): boolean {
    const { words } = this.table
    const at = number * ROW_WORDS + ALERT
    const before = words[at]
    words[at] = this.alerts.severityOf(number) + 1
    return words[at] !== before
  }

  /** Marks the fact as one to publish. */
  touch(number: number): void {
    const { bytes } = this.table
    const at = number * ROW_BYTES + CHANGED
    if (bytes[at] === 1) return
    bytes[at] = 1
    this.changed.push(number)
  }

  hasChanged(number: number): boolean {
    return this.table.bytes[number * ROW_BYTES + CHANGED] === 1
  }

  /** Facts to publish. */
  get changedCount(): number {
    return this.changed.length
  }

  /** The numbers of the facts to publish, which thereby count as published. */
  takeChanged(): readonly number[] {
    const { changed } = this
    this.changed = []
    for (const number of changed) this.table.bytes[number * ROW_BYTES + CHANGED] = 0
    return changed
  }

  /** Writes everything, mostly as it lies. */
  write(writer: ByteWriter): void {
    this.table.write(writer)
    this.payers.write(writer)
    this.alerts.write(writer)
    writer.words(Uint32Array.from(this.changed))
  }

  /** Fills a fresh memory from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.table.read(reader)
    this.payers.read(reader)
    this.alerts.read(reader)
    this.changed = [...reader.wordsInPlace()]
  }
}

function isPowerOfTwo(count: number): boolean {
  return count < 0x40000000 && (count & (count - 1)) === 0
}
