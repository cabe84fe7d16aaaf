import { blankCounterpartyFact, decodeCounterpartyFact, decodeDeviceFact, encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import type { CounterpartyFact, DeviceFact } from './facts'

/**
 * How facts of one kind lie in rows of doubles. An object of boxed numbers is a dozen places in memory, far apart; a row is two or three lines
 * side by side, and is read into one object that is reused.
 */
export interface FactRows<T> {
  /** Doubles of a row. */
  readonly width: number
  /** A fact to read rows into. */
  readonly blank: () => T
  /** Reads a published fact; `into` is overwritten and returned. */
  readonly decode: (value: Uint8Array, into: T) => T
  /** The bytes of a fact as it was published. */
  readonly encode: (fact: T) => Uint8Array
  readonly write: (rows: Float64Array, at: number, fact: T) => void
  /** Reads the row at `at`; `into` is overwritten and returned. */
  readonly read: (rows: Float64Array, at: number, into: T) => T
}

/** Rows of what relations know of counterparties. */
export const COUNTERPARTY_ROWS: FactRows<CounterpartyFact> = {
  width: 24,
  blank: () => blankCounterpartyFact(0),
  decode: decodeCounterpartyFact,
  encode: encodeCounterpartyFact,
  write: (rows, at, fact) => {
    rows[at] = fact.paymentCount
    rows[at + 1] = fact.lastKnownFraudMs
    rows[at + 2] = fact.tradesDisputed
    rows[at + 3] = fact.chargebacks
    rows[at + 4] = fact.counterfeitReports
    rows[at + 5] = fact.alertSeverity
    rows[at + 6] = fact.fraudRegister
    rows[at + 7] = fact.fraudRegisterLength
    rows[at + 8] = fact.frauds3d
    rows[at + 9] = fact.known3d
    rows[at + 10] = fact.frauds7d
    rows[at + 11] = fact.known7d
    rows[at + 12] = fact.fraudTotal
    rows[at + 13] = fact.legitimateTotal
    rows[at + 14] = fact.asOfMs
    rows[at + 15] = fact.firstSeenMs
    rows[at + 16] = fact.distinctPayers
    rows[at + 17] = fact.lastKnownLegitimateMs
    rows[at + 18] = fact.tradesCompleted
    rows[at + 19] = fact.tradesCancelled
  },
  read: (rows, at, into) => {
    into.paymentCount = rows[at]
    into.lastKnownFraudMs = rows[at + 1]
    into.tradesDisputed = rows[at + 2]
    into.chargebacks = rows[at + 3]
    into.counterfeitReports = rows[at + 4]
    into.alertSeverity = rows[at + 5]
    into.fraudRegister = rows[at + 6]
    into.fraudRegisterLength = rows[at + 7]
    into.frauds3d = rows[at + 8]
    into.known3d = rows[at + 9]
    into.frauds7d = rows[at + 10]
    into.known7d = rows[at + 11]
    into.fraudTotal = rows[at + 12]
    into.legitimateTotal = rows[at + 13]
    into.asOfMs = rows[at + 14]
    into.firstSeenMs = rows[at + 15]
    into.distinctPayers = rows[at + 16]
    into.lastKnownLegitimateMs = rows[at + 17]
    into.tradesCompleted = rows[at + 18]
    into.tradesCancelled = rows[at + 19]
    return into
  },
}

/** Rows of what relations know of devices. */
export const DEVICE_ROWS: FactRows<DeviceFact> = {
  width: 4,
  blank: () => ({ asOfMs: 0, firstSeenMs: 0, distinctAccounts: 0, lastKnownFraudMs: -1 }),
  decode: (value, into) => Object.assign(into, decodeDeviceFact(value)),
  encode: encodeDeviceFact,
  write: (rows, at, fact) => {
    rows[at] = fact.asOfMs
    rows[at + 1] = fact.firstSeenMs
    rows[at + 2] = fact.distinctAccounts
    rows[at + 3] = fact.lastKnownFraudMs
  },
  read: (rows, at, into) => {
    into.asOfMs = rows[at]
    into.firstSeenMs = rows[at + 1]
    into.distinctAccounts = rows[at + 2]
    into.lastKnownFraudMs = rows[at + 3]
    return into
  },
}
