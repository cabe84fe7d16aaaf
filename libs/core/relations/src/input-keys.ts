import type { LoginView, OutcomeView, P2pTradeView, PaymentView, TokenSpan } from '@riskledger/events'
import { fingerprint, fingerprintEventAt } from './event-fingerprint'
import type { RelationsInput } from './relations-state'
import { hashSpan } from './token-hash'

/** Inputs whose keys are held at once. */
export const MAX_BLOCK = 32

/** An input that is not looked up by any of its keys. */
const OTHER = 0
/** A payment or trade that was screened: it has all keys. */
export const REMEMBERED = 1
/** A login: of keys it has its account. */
export const LOGIN = 2
/** An outcome: of keys it has its account, and the fingerprint of its subject. */
export const OUTCOME = 3

/** Payments and trades are numbered by different systems, whose ids may be the same. */
const TRADE_SALT = 0x5bd1e995

/** The hashes by which the inputs of a block are looked up, each by the input's place in the block: made once, and before memory is asked for. */
export class InputKeys {
  /** `OTHER`, `REMEMBERED`, `LOGIN` or `OUTCOME`. */
  readonly kinds = new Uint8Array(MAX_BLOCK)
  readonly accounts = new Int32Array(MAX_BLOCK)
  /** Hashes of the business ids: a trade's differs from that of a payment with the same id. */
  readonly ids = new Int32Array(MAX_BLOCK)
  /** Fingerprints of the events. */
  readonly lows = new Int32Array(MAX_BLOCK)
  readonly highs = new Int32Array(MAX_BLOCK)
  /** Number of each input's counterparty where it was found ahead; -1 or below where it was not: it may have one all the same. */
  readonly counterparties = new Int32Array(MAX_BLOCK)
  /** Number of each input's device, likewise. */
  readonly devices = new Int32Array(MAX_BLOCK)

  /** Makes the keys of an input. */
  read({ topic, event, status }: RelationsInput, place: number): void {
    this.counterparties[place] = -1
    this.devices[place] = -1
    if (topic === 'payments') this.readRemembered(event as PaymentView, { id: (event as PaymentView).paymentIdSpan, salt: 0 }, place)
    else if (topic === 'p2p-trades')
      this.readRemembered(event as P2pTradeView, { id: (event as P2pTradeView).tradeIdSpan, salt: TRADE_SALT }, place)
    else if (topic === 'logins') this.readAccount(event as LoginView, LOGIN, place)
    else if (topic === 'outcomes') this.readOutcome(event as OutcomeView, place)
    else this.kinds[place] = OTHER
    // Of payments, trades and logins only what was screened counts.
    if (status !== 'screened' && topic !== 'outcomes') this.kinds[place] = OTHER
  }

  private readRemembered(
    event: PaymentView | P2pTradeView,
    { id, salt }: { readonly id: TokenSpan; readonly salt: number },
    place: number,
  ): void {
    this.readAccount(event, REMEMBERED, place)
    this.ids[place] = hashSpan(event.bytes, id) ^ salt
    this.readFingerprint(event.bytes, event.eventIdAt, place)
  }

  private readOutcome(event: OutcomeView, place: number): void {
    this.readAccount(event, OUTCOME, place)
    this.readFingerprint(event.bytes, event.subjectEventIdAt, place)
  }

  private readAccount(event: PaymentView | P2pTradeView | LoginView | OutcomeView, kind: number, place: number): void {
    this.kinds[place] = kind
    this.accounts[place] = hashSpan(event.bytes, event.accountIdSpan)
  }

  private readFingerprint(bytes: Uint8Array, at: number, place: number): void {
    fingerprintEventAt(bytes, at)
    this.lows[place] = fingerprint[0]
    this.highs[place] = fingerprint[1]
  }
}
