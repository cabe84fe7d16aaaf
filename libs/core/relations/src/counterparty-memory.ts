import { hashToken } from './token-hash'
import { HALF_LIFE_3D_MS, HALF_LIFE_7D_MS, ONE, decay } from './decay'
import { blankCounterpartyFact } from './fact-codec'
import type { CounterpartyFact, DeviceFact } from './facts'

const MAX_DISTINCT = 64
const MAX_ALERTS = 8
/** A decayed fraud that weighs less than a hundredth of a fresh one. */
const NEGLIGIBLE = Math.floor(ONE / 100)

/** Up to 64 distinct hashes, then "at least 64". Room grows by doubling; most sets are small. */
export class SmallSet {
  members = new Uint32Array(2)
  count = 0

  /** True if the hash is new and was added. */
  add(hash: number): boolean {
    const members = this.members
    const count = this.count
    if (count === MAX_DISTINCT) return false
    for (let i = 0; i < count; i++) if (members[i] === hash) return false
    if (count === members.length) {
      this.members = new Uint32Array(count * 2)
      this.members.set(members)
    }
    this.members[count] = hash
    this.count = count + 1
    return true
  }
}

/** An alert on a counterparty that has not been cleared. */
export interface StandingAlert {
  /** Hash of provider and kind: a clear by the same provider of the same kind ends it. */
  readonly origin: number
  readonly severity: number
}

/** What relations keep of one counterparty: its fact, always current, and what the fact is made from. */
export class CounterpartyMemory {
  readonly payers = new SmallSet()
  alerts: StandingAlert[] = []
  changed = false
  fact: CounterpartyFact

  constructor(
    readonly key: string,
    firstSeenMs: number,
    /** Place among all counterparties. */
    readonly number: number,
  ) {
    this.fact = blankCounterpartyFact(firstSeenMs)
  }

  /** Moves the fact to a moment, decaying its rates; a moment before `asOfMs` counts as `asOfMs`. */
  moveTo(timeMs: number): void {
    const fact = this.fact
    if (timeMs <= fact.asOfMs) return
    const span = { fromMs: fact.asOfMs, toMs: timeMs }
    fact.frauds3d = decay(fact.frauds3d, HALF_LIFE_3D_MS, span)
    fact.known3d = decay(fact.known3d, HALF_LIFE_3D_MS, span)
    fact.frauds7d = decay(fact.frauds7d, HALF_LIFE_7D_MS, span)
    fact.known7d = decay(fact.known7d, HALF_LIFE_7D_MS, span)
    fact.asOfMs = timeMs
  }

  /** One more payment or trade. True where a coarse step (1, 2, 4, 8, ...) of payments or payers was crossed. */
  count(accountHash: number): boolean {
    const fact = this.fact
    fact.paymentCount++
    let step = isPowerOfTwo(fact.paymentCount)
    if (this.payers.add(accountHash)) {
      fact.distinctPayers = this.payers.count
      if (isPowerOfTwo(fact.distinctPayers)) step = true
    }
    return step
  }

  private pushRegister(fraud: 0 | 1): void {
    const fact = this.fact
    fact.fraudRegister = ((fact.fraudRegister << 1) | fraud) & 255
    if (fact.fraudRegisterLength < 8) fact.fraudRegisterLength++
  }

  private countKnown(): void {
    this.fact.known3d += ONE
    this.fact.known7d += ONE
  }

  /**
   * A payment of `paymentTimeMs` became known legitimate at `knownAtMs`. True where that says something: of a counterparty with frauds in its
   * register or its rates it does, of any other only when the number crosses a coarse step.
   */
  knowLegitimate(paymentTimeMs: number, knownAtMs: number): boolean {
    this.moveTo(knownAtMs)
    const tainted = this.fact.fraudRegister !== 0 || this.fact.frauds7d > NEGLIGIBLE
    const fact = this.fact
    this.countKnown()
    this.pushRegister(0)
    fact.legitimateTotal++
    if (paymentTimeMs > fact.lastKnownLegitimateMs) fact.lastKnownLegitimateMs = paymentTimeMs
    return tainted || isPowerOfTwo(fact.legitimateTotal)
  }

  /**
   * A payment became known fraud. `attributed`: its amount does not explain it, so the rates take it as the counterparty's. `corrects`: it
   * had counted as legitimate; the totals are corrected, the register takes the fraud in as the newest, the last legitimate time stays.
   */
  knowFraud(paymentTimeMs: number, knownAtMs: number, how: { readonly attributed: boolean; readonly corrects: boolean }): void {
    this.moveTo(knownAtMs)
    const fact = this.fact
    if (how.corrects) fact.legitimateTotal--
    else this.countKnown()
    this.pushRegister(1)
    fact.fraudTotal++
    if (how.attributed) {
      fact.frauds3d += ONE
      fact.frauds7d += ONE
    }
    if (paymentTimeMs > fact.lastKnownFraudMs) fact.lastKnownFraudMs = paymentTimeMs
  }

  /** A provider's alert; at most eight stand, the gravest are kept. */
  alert(origin: string, severity: number): void {
    const hash = hashToken(origin)
    const rest = this.alerts.filter((alert) => alert.origin !== hash)
    const before = this.alerts.find((alert) => alert.origin === hash)
    rest.push({ origin: hash, severity: Math.max(severity, before?.severity ?? 0) })
    rest.sort((a, b) => b.severity - a.severity || a.origin - b.origin)
    this.alerts = rest.slice(0, MAX_ALERTS)
    this.fact.alertSeverity = this.alerts[0].severity
  }

  /** The same provider's clear of the same kind. */
  clear(origin: string): void {
    const hash = hashToken(origin)
    this.alerts = this.alerts.filter((alert) => alert.origin !== hash)
    this.fact.alertSeverity = this.alerts.length > 0 ? this.alerts[0].severity : -1
  }
}

/** What relations keep of one device. */
export class DeviceMemory {
  readonly accounts = new SmallSet()
  changed = false
  fact: DeviceFact

  constructor(
    readonly key: string,
    firstSeenMs: number,
  ) {
    this.fact = { asOfMs: firstSeenMs, firstSeenMs, distinctAccounts: 0, lastKnownFraudMs: -1 }
  }
}

function isPowerOfTwo(count: number): boolean {
  return count < 0x40000000 && (count & (count - 1)) === 0
}
