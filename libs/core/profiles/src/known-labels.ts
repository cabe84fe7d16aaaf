import { type CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING } from '@riskledger/relations'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import {
  DOUBLES,
  INTEGERS,
  LARGEST,
  LAST_FRAUD,
  LEGITIMATE_SUMS,
  NEWEST_ENTRY,
  PAGE,
  PENDING_LARGEST,
  type RowPages,
  SECOND_LARGEST,
} from './account-rows'
import { COUNT, MAX_SUMMED_MINOR, SUM, SUMS, shiftSums, squaresOf } from './amount-sums'
import { clipRound } from './exact-numbers'
import type { Features } from './features'
import type { ProfileOptions } from './profile-options'

// Lanes of the queue: what was known when the payment was decided, what it touched, and the account's chain of payments.
const DISTANCE = 0
const RATIO = 1
const COUNTERPARTY = 2
const INSTRUMENT = 3
const DEVICE = 4
/** Hash of the business id. */
const ID = 5
const NEWER = 6
const OLDER = 7
const LANES = 8

/** In the lane of the ratio: a trade, which is no evidence. Payments without a ratio have -1. */
const TRADE = -2

const ENOUGH_KNOWN = 5
const CLIP_CENTI = 1_000_000
const CLIP_PERMILLE = 1_000_000_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MAX_DISTINCT = 64
/** Payments looked at in one walk along an account's chain; beyond it distinct counts and pending evidence are lower bounds, and counted. */
const MAX_WALK = 1024

/** Accounts touched at once at most. */
export const MAX_TOUCHED = 64
/** Payments become due and are forgotten at about the pace at which they come; so many more are looked at ahead. */
const SPARE = 8
/** Payments of an account looked at ahead: about a day of them. */
const CHAIN_AHEAD = 4

/** What is remembered of one payment or trade beside its time and amount; hashes, 0 for none. */
export interface RememberedEvent {
  readonly trade: boolean
  /** Of its business id, which its later phases have too; payments' and trades' differ. */
  readonly id: number
  readonly counterparty: number
  readonly instrument: number
  readonly device: number
}

/**
 * Evidence of known labels: sums over the payments *known legitimate*, per account and over the partition, pending evidence, and the
 * chain of an account's recent payments and trades. Known means: an outcome said so, or the label delay passed without one. The
 * earlier outcome wins; a fraud reported after the delay is taken back out, as long as the payment is remembered (`labelMemoryMs`). Beyond
 * it a fraud only sets the time of the last known fraud, and is counted as unmatched. Amounts enter the sums up to a cap, and are judged by
 * them up to it; see `shiftSums`.
 *
 * The largest known-legitimate amount keeps a runner-up, so that taking the largest out leaves the second; taking out two in a row
 * leaves the smaller of the two standing.
 */
export class KnownLabels {
  readonly queue: LabelQueue
  /** Walks cut short at 1,024 payments. */
  walksCapped = 0
  private readonly population = new Float64Array(SUMS)
  private nowMs = 0
  private maxRemembered: number
  private mean = 0
  private deviation = 0
  private readonly seen = [
    new Uint32Array(MAX_DISTINCT),
    new Uint32Array(MAX_DISTINCT),
    new Uint32Array(MAX_DISTINCT),
    new Uint32Array(MAX_DISTINCT),
  ]
  private readonly seenCounts = new Uint32Array(4)
  private readonly walk = new Int32Array(MAX_TOUCHED)
  /** Fingerprints of the events that come next, for `touch`. */
  readonly newLow = new Uint32Array(MAX_TOUCHED)
  readonly newHigh = new Uint32Array(MAX_TOUCHED)

  constructor(
    private readonly doubles: RowPages<Float64Array>,
    private readonly integers: RowPages<Uint32Array>,
    options: ProfileOptions,
  ) {
    this.queue = new LabelQueue({
      delayMs: options.labelDelayMs,
      memoryMs: options.labelMemoryMs,
      // Room is made when a payment needs it: as time passes alone, none is forgotten before its time, whatever the steps.
      maxEntries: Infinity,
      integerLanes: LANES,
    })
    this.maxRemembered = options.maxRemembered
  }

  /** Works by other numbers from now on. */
  configure(options: ProfileOptions): void {
    const { labelDelayMs: delayMs, labelMemoryMs: memoryMs, maxRemembered } = options
    this.queue.options = { ...this.queue.options, delayMs, memoryMs }
    this.maxRemembered = maxRemembered
  }

  /** Mean and standard deviation to judge an amount by, into `mean` and `deviation`; false where nothing is known. */
  private gauge(sums: Float64Array, at: number): boolean {
    const count = sums[at + COUNT]
    const sum = sums[at + SUM]
    const squares = squaresOf(sums, at)
    const { population } = this
    const missing = ENOUGH_KNOWN - count
    if (missing <= 0) {
      this.mean = sum / count
      this.deviation = Math.max(0, (squares - sum * this.mean) / (count - 1))
    } else if (population[COUNT] >= ENOUGH_KNOWN) {
      // Below five of its own, the population stands in for the missing ones.
      this.mean = (sum + (missing * population[SUM]) / population[COUNT]) / ENOUGH_KNOWN
      const second = (squares + (missing * squaresOf(population, 0)) / population[COUNT]) / ENOUGH_KNOWN
      this.deviation = Math.max(0, second - this.mean * this.mean)
    } else if (count >= 2) {
      this.mean = sum / count
      this.deviation = Math.max(0, (squares - sum * this.mean) / (count - 1))
    } else return false
    // A twentieth of the mean at least: an account that always pays the same is not alarmed by a cent.
    this.deviation = Math.max(Math.sqrt(this.deviation), this.mean / 20, 1)
    return true
  }

  /**
   * Sets the evidence of labels for a payment of `features.amountMinor`, and returns its ratio to the mean in thousandths, -1 without one.
   * `id` is the hash of its business id: an earlier phase of it is no other payment.
   */
  read(slot: number, features: Features, id: number): number {
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const amount = features.amountMinor
    const count = doubles[d + LEGITIMATE_SUMS + COUNT]
    const largest = doubles[d + LARGEST]
    features.knownLegitimateCount = count
    const mean = count > 0 ? doubles[d + LEGITIMATE_SUMS + SUM] / count : -1
    features.knownLegitimateMeanMinor = clipRound(mean, -1, Number.MAX_SAFE_INTEGER)
    features.ratioToLargestPermille = largest > 0 ? clipRound((amount * 1000) / largest, 0, CLIP_PERMILLE) : -1
    const fraudMs = doubles[d + LAST_FRAUD]
    features.msSinceLastKnownFraud = fraudMs === 0 ? -1 : Math.max(0, features.eventTimeMs - fraudMs)
    features.pendingEvidencePermille = this.pendingEvidence(slot, features.eventTimeMs, id)
    if (!this.gauge(doubles, d + LEGITIMATE_SUMS)) return -1
    const summed = Math.min(amount, MAX_SUMMED_MINOR)
    features.habitDistanceCenti = clipRound(((summed - this.mean) * 100) / this.deviation, -CLIP_CENTI, CLIP_CENTI)
    return this.mean > 0 ? clipRound((summed * 1000) / this.mean, 0, CLIP_PERMILLE) : -1
  }

  /** Largest ratio among the account's payments not newer than `atMs`, but for the one of this id, that await their label; -1 without one. */
  private pendingEvidence(slot: number, atMs: number, exceptId: number): number {
    const at = (slot & (PAGE - 1)) * INTEGERS + PENDING_LARGEST
    const best = this.integers.pages[slot >>> 8][at] - 1
    if (best < 0) return -1
    const queue = this.queue
    const l = queue.lanes(best)
    if (queue.timeMs(best) <= atMs && queue.words[l + ID] !== exceptId) return queue.words[l + RATIO]
    const entry = this.largestPending(slot, atMs, exceptId)
    return entry < 0 ? -1 : queue.words[queue.lanes(entry) + RATIO]
  }

  private largestPending(slot: number, atMs: number, exceptId = 0): number {
    const { queue } = this
    const { words } = queue
    const fromMs = this.nowMs - queue.options.delayMs
    let best = -1
    let bestRatio = -1
    let steps = 0
    let entry = this.newest(slot)
    for (; entry >= 0; entry = words[queue.lanes(entry) + OLDER] - 1) {
      const timeMs = queue.timeMs(entry)
      if (timeMs < fromMs) break
      if (++steps > MAX_WALK) {
        this.walksCapped++
        break
      }
      const l = queue.lanes(entry)
      const ratio = words[l + RATIO]
      if (ratio <= bestRatio || timeMs > atMs || words[l + ID] === exceptId || queue.state(entry) !== PENDING) continue
      best = entry
      bestRatio = ratio
    }
    return best
  }

  /** The account's newest remembered payment or trade, or -1. */
  private newest(slot: number): number {
    return this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + NEWEST_ENTRY] - 1
  }

  /** Numbers of distinct counterparties (1 h, 1 d), instruments and devices (1 d) among payments and trades up to the event's time. */
  readDistinct(slot: number, features: Features): void {
    const { queue } = this
    const { words } = queue
    const atMs = features.eventTimeMs
    this.seenCounts.fill(0)
    let steps = 0
    let entry = this.newest(slot)
    for (; entry >= 0; entry = words[queue.lanes(entry) + OLDER] - 1) {
      const ageMs = atMs - queue.timeMs(entry)
      if (ageMs >= DAY_MS) break
      if (++steps > MAX_WALK) {
        this.walksCapped++
        break
      }
      if (ageMs < 0) continue
      const l = queue.lanes(entry)
      if (ageMs < HOUR_MS) this.see(0, words[l + COUNTERPARTY])
      this.see(1, words[l + COUNTERPARTY])
      this.see(2, words[l + INSTRUMENT])
      this.see(3, words[l + DEVICE])
    }
    features.distinctCounterparties1h = this.seenCounts[0]
    features.distinctCounterparties1d = this.seenCounts[1]
    features.distinctInstruments1d = this.seenCounts[2]
    features.distinctDevices1d = this.seenCounts[3]
  }

  private see(which: number, hash: number): void {
    const count = this.seenCounts[which]
    if (hash === 0 || count === MAX_DISTINCT) return
    const seen = this.seen[which]
    const member = hash >>> 0
    for (let i = 0; i < count; i++) if (seen[i] === member) return
    seen[count] = member
    this.seenCounts[which] = count + 1
  }

  /** Remembers a payment or trade; `ratioPermille` -1 where there was no mean to compare with. */
  remember(
    slot: number,
    identity: { readonly low: number; readonly high: number },
    features: Features,
    ratioPermille: number,
    event: RememberedEvent,
  ): void {
    const queue = this.queue
    this.makeRoom()
    const entry = queue.add(identity.low, identity.high, features.eventTimeMs, slot)
    queue.setAmountMinor(entry, features.amountMinor)
    const l = queue.lanes(entry)
    const lanes = queue.words
    lanes[l + DISTANCE] = features.habitDistanceCenti
    lanes[l + RATIO] = event.trade ? TRADE : ratioPermille
    lanes[l + ID] = event.id
    lanes[l + COUNTERPARTY] = event.counterparty
    lanes[l + INSTRUMENT] = event.instrument
    lanes[l + DEVICE] = event.device
    this.link(entry, slot)
  }

  /** Reads what the next events of some accounts will read of their payments; see `ProfileStore.touch`. Slots below 0 are passed over. */
  touch(slots: Int32Array, count: number): number {
    const { queue, newLow, newHigh } = this
    const { words } = queue
    let touched = queue.touchNext(count + SPARE, this.touchOwner)
    for (let i = 0; i < count; i++) if (slots[i] >= 0) touched ^= queue.touchNew(newLow[i], newHigh[i])
    const entries = this.walk
    for (let i = 0; i < count; i++) {
      const slot = slots[i]
      if (slot < 0) {
        entries[i] = 0
        continue
      }
      const at = (slot & (PAGE - 1)) * INTEGERS
      const page = this.integers.pages[slot >>> 8]
      entries[i] = page[at + NEWEST_ENTRY]
      const best = page[at + PENDING_LARGEST]
      if (best > 0) touched ^= words[queue.lanes(best - 1)]
    }
    // The newest few of each account's chain, one step of all accounts at a time: within one account each waits for the one before.
    for (let step = 0; step < CHAIN_AHEAD; step++) {
      for (let i = 0; i < count; i++) if (entries[i] > 0) entries[i] = words[queue.lanes(entries[i] - 1) + OLDER]
    }
    return touched ^ entries[0]
  }

  private readonly touchOwner = (entry: number): number => {
    const slot = this.queue.owner(entry)
    return (
      this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS] ^
      this.doubles.pages[slot >>> 8][(slot & (PAGE - 1)) * DOUBLES + LEGITIMATE_SUMS]
    )
  }

  private link(entry: number, slot: number): void {
    const { queue } = this
    const lanes = queue.words
    const integers = this.integers.pages[slot >>> 8]
    const i = (slot & (PAGE - 1)) * INTEGERS
    const timeMs = queue.timeMs(entry)
    const l = queue.lanes(entry)
    // In order of time, equal times in order of arrival: a late one walks past what is newer than itself.
    let newer = 0
    let older = integers[i + NEWEST_ENTRY]
    while (older > 0 && queue.timeMs(older - 1) > timeMs) {
      newer = older
      older = lanes[queue.lanes(older - 1) + OLDER]
    }
    lanes[l + NEWER] = newer
    lanes[l + OLDER] = older
    if (older > 0) lanes[queue.lanes(older - 1) + NEWER] = entry + 1
    if (newer > 0) lanes[queue.lanes(newer - 1) + OLDER] = entry + 1
    else integers[i + NEWEST_ENTRY] = entry + 1
    const ratio = lanes[l + RATIO]
    const best = integers[i + PENDING_LARGEST] - 1
    if (queue.state(entry) === PENDING && ratio >= 0 && (best < 0 || ratio >= lanes[queue.lanes(best) + RATIO]))
      integers[i + PENDING_LARGEST] = entry + 1
  }

  private noLongerPending(entry: number): void {
    const slot = this.queue.owner(entry)
    const integers = this.integers.pages[slot >>> 8]
    const at = (slot & (PAGE - 1)) * INTEGERS + PENDING_LARGEST
    if (integers[at] === entry + 1) integers[at] = this.largestPending(slot, Infinity) + 1
  }

  /** Legitimate expiry and forgetting, up to a moment; exact whatever the steps in which it is called. */
  advance(nowMs: number): void {
    this.nowMs = nowMs
    const queue = this.queue
    for (let entry = queue.nextDue(nowMs); entry >= 0; entry = queue.nextDue(nowMs)) {
      if (queue.state(entry) === PENDING) this.markLegitimate(entry)
    }
    for (let entry = queue.nextForgotten(nowMs); entry >= 0; entry = queue.nextForgotten(nowMs)) this.unlink(entry)
  }

  /** Makes room for another: at the limit the oldest are forgotten before their time, and counted. */
  private makeRoom(): void {
    const { queue } = this
    for (; queue.size >= this.maxRemembered && queue.size > 0; queue.forgottenEarly++) this.unlink(queue.nextForgotten(Infinity))
  }

  private unlink(entry: number): void {
    const { queue } = this
    const lanes = queue.words
    const slot = queue.owner(entry)
    const newer = lanes[queue.lanes(entry) + NEWER]
    const older = lanes[queue.lanes(entry) + OLDER]
    const integers = this.integers.pages[slot >>> 8]
    const i = (slot & (PAGE - 1)) * INTEGERS
    if (newer > 0) lanes[queue.lanes(newer - 1) + OLDER] = older
    else integers[i + NEWEST_ENTRY] = older
    if (older > 0) lanes[queue.lanes(older - 1) + NEWER] = newer
    // Only an entry that was pushed out by the limit can still be pending here.
    if (integers[i + PENDING_LARGEST] === entry + 1) integers[i + PENDING_LARGEST] = this.largestPending(slot, Infinity) + 1
  }

  /** A pending payment is now known legitimate: because the delay passed (`LEGITIMATE`), or by an outcome (`CLEARED`). */
  markLegitimate(entry: number, state: typeof LEGITIMATE | typeof CLEARED = LEGITIMATE): void {
    const queue = this.queue
    queue.setState(entry, state)
    if (!this.isPayment(entry)) return
    this.noLongerPending(entry)
    const slot = queue.owner(entry)
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const amount = queue.amountMinor(entry)
    this.shift(doubles, d, 1, amount)
    if (amount > doubles[d + LARGEST]) {
      doubles[d + SECOND_LARGEST] = doubles[d + LARGEST]
      doubles[d + LARGEST] = amount
    } else if (amount > doubles[d + SECOND_LARGEST]) doubles[d + SECOND_LARGEST] = amount
  }

  private shift(doubles: Float64Array, d: number, by: 1 | -1, amount: number): void {
    shiftSums(doubles, d + LEGITIMATE_SUMS, by, amount)
    shiftSums(this.population, 0, by, amount)
  }

  /** A payment is now known to be a fraud; one that was known legitimate by expiry is taken back out. */
  markFraud(entry: number): void {
    const queue = this.queue
    const before = queue.state(entry)
    queue.setState(entry, FRAUD)
    if (!this.isPayment(entry)) return
    if (before === PENDING) this.noLongerPending(entry)
    const slot = queue.owner(entry)
    const doubles = this.doubles.pages[slot >>> 8]
    const d = (slot & (PAGE - 1)) * DOUBLES
    const amount = queue.amountMinor(entry)
    if (before !== LEGITIMATE) return
    this.shift(doubles, d, -1, amount)
    if (amount === doubles[d + LARGEST]) {
      doubles[d + LARGEST] = doubles[d + SECOND_LARGEST]
    } else if (amount === doubles[d + SECOND_LARGEST]) doubles[d + SECOND_LARGEST] = 0
  }

  /** Distance from habit of a remembered payment as it stood when it was decided, hundredths; null for a trade. */
  distanceCenti(entry: number): number | null {
    return this.isPayment(entry) ? this.queue.words[this.queue.lanes(entry) + DISTANCE] : null
  }

  /** True for a payment, false for a trade. */
  isPayment(entry: number): boolean {
    return this.queue.words[this.queue.lanes(entry) + RATIO] !== TRADE
  }

  /** Canonical content of one account: its remembered payments and trades, newest first. */
  writeContent(slot: number, writer: ByteWriter): void {
    let entry = this.integers.row(slot)[NEWEST_ENTRY] - 1
    for (; entry >= 0; entry = this.queue.words[this.queue.lanes(entry) + OLDER] - 1) {
      writer.u8(1)
      this.queue.writeEntry(entry, writer, NEWER)
    }
    writer.u8(0)
  }

  /** Sums over the partition's payments known legitimate. */
  writePopulation(writer: ByteWriter): void {
    for (const value of this.population) writer.f64(value)
  }

  write(writer: ByteWriter): void {
    this.writePopulation(writer)
    writer.f64(this.walksCapped)
    this.queue.write(writer)
  }

  /** Reads what `write` wrote, as it was at `nowMs`; the rows that it was written with must be there. */
  restore(reader: ByteReader, nowMs: number): void {
    this.nowMs = nowMs
    for (let i = 0; i < SUMS; i++) this.population[i] = reader.f64()
    this.walksCapped = reader.f64()
    this.queue.read(reader)
  }
}
