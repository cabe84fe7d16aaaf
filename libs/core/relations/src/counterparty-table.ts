import { blankCounterpartyFact } from './fact-codec'
import type { CounterpartyFact } from './facts'
import { KeyedRows } from './keyed-rows'

// A row is 128 bytes, two lines of memory. What payments and their labels change stands in the first:
/** Doubles: `asOfMs`, the rates, `lastKnownLegitimateMs`. */
export const AS_OF = 0
export const FRAUDS_3D = 1
export const KNOWN_3D = 2
export const FRAUDS_7D = 3
export const KNOWN_7D = 4
export const LAST_LEGITIMATE = 5
/** Words: counts, and where the set of payers lies. */
export const PAYMENTS = 12
export const LEGITIMATE_TOTAL = 13
export const PAYERS_PLACE = 14
/** Bytes: the register, how many payers, 1 for a change not yet taken. */
export const REGISTER = 60
export const REGISTER_LENGTH = 61
export const PAYERS = 62
export const CHANGED = 63
// and in the second what frauds and reports do:
/** Doubles. */
const FIRST_SEEN = 8
export const LAST_FRAUD = 9
/** Words. */
export const FRAUD_TOTAL = 20
export const TRADES_COMPLETED = 21
export const TRADES_DISPUTED = 22
export const TRADES_CANCELLED = 23
export const CHARGEBACKS = 24
export const COUNTERFEITS = 25
/** Severity + 1, 0 for none. */
export const ALERT = 26

/** Rows lie so many doubles, words and bytes apart. */
export const ROW_DOUBLES = 16
export const ROW_WORDS = 32
export const ROW_BYTES = 128

/**
 * The counterparties' facts as rows of typed arrays, numbered in order of first sight. Objects of boxed numbers cost a visit to five places
 * in memory for each payment and work for the garbage collector; a row costs one.
 */
export class CounterpartyTable extends KeyedRows {
  /** `maxKeys`: counterparties held, at most 16 million whatever it says. */
  constructor(maxKeys: number) {
    super(maxKeys, ROW_DOUBLES)
  }

  protected override begin(number: number, timeMs: number): void {
    const row = number * ROW_DOUBLES
    this.doubles[row + AS_OF] = timeMs
    this.doubles[row + FIRST_SEEN] = timeMs
    this.doubles[row + LAST_LEGITIMATE] = -1
    this.doubles[row + LAST_FRAUD] = -1
  }

  /** The row as a fact: one object, overwritten by the next call. */
  factOf(number: number): CounterpartyFact {
    const { doubles, words, bytes } = this
    const [d, w, b] = [number * ROW_DOUBLES, number * ROW_WORDS, number * ROW_BYTES]
    const fact = FACT
    fact.asOfMs = doubles[d + AS_OF]
    fact.firstSeenMs = doubles[d + FIRST_SEEN]
    fact.paymentCount = words[w + PAYMENTS]
    fact.distinctPayers = bytes[b + PAYERS]
    fact.lastKnownLegitimateMs = doubles[d + LAST_LEGITIMATE]
    fact.lastKnownFraudMs = doubles[d + LAST_FRAUD]
    fact.fraudRegister = bytes[b + REGISTER]
    fact.fraudRegisterLength = bytes[b + REGISTER_LENGTH]
    fact.frauds3d = doubles[d + FRAUDS_3D]
    fact.known3d = doubles[d + KNOWN_3D]
    fact.frauds7d = doubles[d + FRAUDS_7D]
    fact.known7d = doubles[d + KNOWN_7D]
    fact.fraudTotal = words[w + FRAUD_TOTAL]
    fact.legitimateTotal = words[w + LEGITIMATE_TOTAL]
    fact.tradesCompleted = words[w + TRADES_COMPLETED]
    fact.tradesDisputed = words[w + TRADES_DISPUTED]
    fact.tradesCancelled = words[w + TRADES_CANCELLED]
    fact.chargebacks = words[w + CHARGEBACKS]
    fact.counterfeitReports = words[w + COUNTERFEITS]
    fact.alertSeverity = words[w + ALERT] - 1
    return fact
  }
}

const FACT = blankCounterpartyFact(0)
