import type { TokenSpan } from '@riskledger/events'

/**
 * What relations know of a counterparty, as of the epoch in which it last changed. Times are epoch milliseconds, -1 where it never
 * happened; rates are 16.16 fixed point, decayed to `asOfMs`.
 */
export interface CounterpartyFact {
  asOfMs: number
  firstSeenMs: number
  /** Payments and trades with it so far. */
  paymentCount: number
  /** Distinct accounts that paid it: exact to 64, then 64 means "at least 64". */
  distinctPayers: number
  lastKnownLegitimateMs: number
  lastKnownFraudMs: number
  /** Its last eight known payments, newest in bit 0, 1 = fraud. */
  fraudRegister: number
  /** How many bits of the register are filled, 0-8. */
  fraudRegisterLength: number
  /** Decayed frauds that their amount does not explain, half-life 3 days, 16.16 fixed point; and all known payments likewise. */
  frauds3d: number
  known3d: number
  frauds7d: number
  known7d: number
  /** Undecayed totals of known labels. */
  fraudTotal: number
  legitimateTotal: number
  /** P2P trades: how they ended. */
  tradesCompleted: number
  tradesDisputed: number
  tradesCancelled: number
  chargebacks: number
  counterfeitReports: number
  /** Highest severity (0-1000) of provider alerts that name it, were not cleared and are not over; -1 none. */
  alertSeverity: number
}

/** What relations know of a device. */
export interface DeviceFact {
  asOfMs: number
  firstSeenMs: number
  /** Distinct accounts that used it: exact to 64, then 64 means "at least 64". */
  distinctAccounts: number
  lastKnownFraudMs: number
}

/**
 * What the screening step may know of others than the account, by the place of their token in a record's bytes; undefined: nothing known
 * yet. The same object may come again with other content: read it before the next look.
 */
export interface FactView {
  counterparty(bytes: Uint8Array, counterpartyId: TokenSpan): CounterpartyFact | undefined
  device(bytes: Uint8Array, deviceId: TokenSpan): DeviceFact | undefined
}
