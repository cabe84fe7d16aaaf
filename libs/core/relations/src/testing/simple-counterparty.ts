import { HALF_LIFE_3D_MS, HALF_LIFE_7D_MS, ONE, decay, gridLines } from '../decay'
import { blankCounterpartyFact } from '../fact-codec'
import type { CounterpartyFact } from '../facts'
import type { KnownFraud } from '../counterparty-memory'

/** One counterparty as an object with a plain set of payers: what `CounterpartyMemory` keeps in rows. */
export class SimpleCounterparty {
  readonly payers = new Set<number>()
  readonly fact: CounterpartyFact

  constructor(firstSeenMs: number) {
    this.fact = blankCounterpartyFact(firstSeenMs)
  }

  moveTo(timeMs: number): void {
    const { fact } = this
    if (timeMs <= fact.asOfMs) return
    for (const rate of ['frauds3d', 'known3d'] as const) fact[rate] = decay(fact[rate], gridLines(HALF_LIFE_3D_MS, fact.asOfMs, timeMs))
    for (const rate of ['frauds7d', 'known7d'] as const) fact[rate] = decay(fact[rate], gridLines(HALF_LIFE_7D_MS, fact.asOfMs, timeMs))
    fact.asOfMs = timeMs
  }

  count(accountHash: number): boolean {
    const { fact, payers } = this
    fact.paymentCount++
    if (payers.size < 64) payers.add(accountHash)
    const newPayer = payers.size > fact.distinctPayers
    fact.distinctPayers = payers.size
    return isPowerOfTwo(fact.paymentCount) || (newPayer && isPowerOfTwo(payers.size))
  }

  private know(fraud: 0 | 1): void {
    const { fact } = this
    fact.fraudRegister = (fact.fraudRegister * 2 + fraud) % 256
    fact.fraudRegisterLength = Math.min(8, fact.fraudRegisterLength + 1)
    fact.known3d += ONE
    fact.known7d += ONE
  }

  knowLegitimate(paymentTimeMs: number, knownAtMs: number): boolean {
    const { fact } = this
    this.moveTo(knownAtMs)
    const tainted = fact.fraudRegister !== 0 || fact.frauds7d > Math.floor(ONE / 100)
    this.know(0)
    fact.legitimateTotal++
    fact.lastKnownLegitimateMs = Math.max(fact.lastKnownLegitimateMs, paymentTimeMs)
    return tainted || isPowerOfTwo(fact.legitimateTotal)
  }

  knowFraud(times: { readonly paymentTimeMs: number; readonly knownAtMs: number }, how: KnownFraud): void {
    const { fact } = this
    this.moveTo(times.knownAtMs)
    this.know(1)
    if (how.corrects) fact.legitimateTotal--
    fact.fraudTotal++
    if (how.attributed) {
      fact.frauds3d += ONE
      fact.frauds7d += ONE
    }
    fact.lastKnownFraudMs = Math.max(fact.lastKnownFraudMs, times.paymentTimeMs)
  }
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}
