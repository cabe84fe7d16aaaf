import type { Outcome, Payment } from '@riskledger/events'
import { clipRound } from '../exact-numbers'

interface Remembered {
  readonly payment: Payment
  readonly ratioPermille: number
  label: 'pending' | 'expired' | 'cleared' | 'fraud'
}

interface NaiveFeatures {
  readonly counts: readonly number[]
  readonly sumsMinor: readonly number[]
  readonly distinctCounterparties1h: number
  readonly distinctCounterparties1d: number
  readonly knownLegitimateCount: number
  readonly knownLegitimateMeanMinor: number
  readonly ratioToLargestPermille: number
  readonly pendingEvidencePermille: number
  readonly msSinceLastKnownFraud: number
  readonly firstContact: boolean
}

const WIDTHS = [60_000, 600_000, 3_600_000, 86_400_000, 604_800_000, 2_592_000_000]
const DELAY = 604_800_000

/**
 * What `ProfileStore` says of windows and known labels, told by lists that are gone through from end to end at each question: the oracle
 * of its property tests. Payments only; nothing is ever forgotten.
 */
export class NaiveProfiles {
  private readonly payments: Remembered[] = []
  private readonly lastFraud = new Map<string, number>()

  advance(nowMs: number): void {
    for (const one of this.payments) if (one.label === 'pending' && one.payment.eventTimeMs + DELAY < nowMs) one.label = 'expired'
  }

  /** Answers for a payment that has just come, before and including it. */
  observe(payment: Payment): NaiveFeatures {
    const at = payment.eventTimeMs
    const own = this.payments.filter((one) => one.payment.accountId === payment.accountId)
    const legitimate = own
      .filter((one) => one.label === 'expired' || one.label === 'cleared')
      .map((one) => one.payment.amountReferenceMinor)
    const pending = own.filter((one) => one.label === 'pending' && one.payment.eventTimeMs <= at && one.ratioPermille >= 0)
    const sum = legitimate.reduce((a, b) => a + b, 0)
    const all = [...own.map((one) => one.payment), payment].filter((one) => one.eventTimeMs <= at)
    const within = (widthMs: number): Payment[] => all.filter((one) => one.eventTimeMs > at - widthMs)
    const distinct = (widthMs: number): number => new Set(within(widthMs).map((one) => one.counterpartyId)).size
    const mean = this.mean(legitimate)
    const ratioPermille = mean === null ? -1 : clipRound((payment.amountReferenceMinor * 1000) / mean, 0, 1_000_000_000)
    this.payments.push({ payment, ratioPermille, label: 'pending' })
    const fraudMs = this.lastFraud.get(payment.accountId)
    return {
      counts: WIDTHS.map((width) => within(width).length),
      sumsMinor: WIDTHS.map((width) => within(width).reduce((total, one) => total + one.amountReferenceMinor, 0)),
      distinctCounterparties1h: distinct(3_600_000),
      distinctCounterparties1d: distinct(86_400_000),
      knownLegitimateCount: legitimate.length,
      knownLegitimateMeanMinor: legitimate.length === 0 ? -1 : clipRound(sum / legitimate.length, 0, Number.MAX_SAFE_INTEGER),
      ratioToLargestPermille:
        legitimate.length === 0 ? -1 : clipRound((payment.amountReferenceMinor * 1000) / Math.max(...legitimate), 0, 1_000_000_000),
      pendingEvidencePermille: Math.max(-1, ...pending.map((one) => one.ratioPermille)),
      msSinceLastKnownFraud: fraudMs === undefined ? -1 : Math.max(0, at - fraudMs),
      firstContact: !own.some((one) => one.payment.counterpartyId === payment.counterpartyId),
    }
  }

  private mean(own: readonly number[]): number | null {
    const add = (a: number, b: number): number => a + b
    const everybody = this.payments
      .filter((one) => one.label === 'expired' || one.label === 'cleared')
      .map((one) => one.payment.amountReferenceMinor)
    const sum = own.reduce(add, 0)
    if (own.length >= 5) return sum / own.length
    if (everybody.length >= 5) return (sum + ((5 - own.length) * everybody.reduce(add, 0)) / everybody.length) / 5
    return own.length >= 2 ? sum / own.length : null
  }

  outcome(event: Outcome): void {
    const one = this.payments.find((candidate) => candidate.payment.eventId === event.subjectEventId)
    if (one !== undefined && (one.label === 'fraud' || one.label === 'cleared')) return
    if (event.label !== 'fraud') {
      if (one !== undefined) one.label = 'cleared'
      return
    }
    this.lastFraud.set(event.accountId, Math.max(this.lastFraud.get(event.accountId) ?? 0, event.subjectEventTimeMs))
    if (one !== undefined) one.label = 'fraud'
  }
}
