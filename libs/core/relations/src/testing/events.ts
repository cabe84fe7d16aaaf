import type { AccountProfile, LivenessResult, Login, Outcome, P2pTrade, Payment, RiskAlert } from '@riskledger/events'

let made = 0

/** A fresh UUID, different at each call, the same in each run. */
function nextId(): string {
  made++
  const mixed = Math.imul(made, 0x9e3779b1) >>> 0
  return `${mixed.toString(16).padStart(8, '0')}-0000-4000-8000-${made.toString(16).padStart(12, '0')}`
}

/** Monday, 2026-03-02, 12:00 UTC. */
export const NOON = Date.UTC(2026, 2, 2, 12)
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

const envelope = (accountId: string, eventTimeMs: number) => ({
  eventId: nextId(),
  accountId,
  eventTimeMs,
  source: 'test',
  sourceSequence: null,
  traceId: null,
})

/** A payment of 50.00 by card at a shop, unless told otherwise. */
export function payment(eventTimeMs: number, more: Partial<Payment> = {}): Payment {
  const { accountId = 'a', ...rest } = more
  const base = envelope(accountId, eventTimeMs)
  return {
    ...base,
    paymentId: `p-${base.eventId}`,
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: rest.amountReferenceMinor ?? 5000,
    currency: 'EUR',
    amountReferenceMinor: 5000,
    utcOffsetMinutes: null,
    counterpartyId: 'shop',
    counterpartyKind: 'merchant',
    method: 'card',
    provider: null,
    productCategory: null,
    payerNameMatch: 'match',
    instrumentToken: null,
    deviceId: null,
    sessionId: null,
    countryCode: null,
    networkClass: null,
    ...rest,
  }
}

/** A trade: a purchase of bitcoin for 100.00, unless told otherwise. */
export function trade(eventTimeMs: number, more: Partial<P2pTrade> = {}): P2pTrade {
  const { accountId = 'a', ...rest } = more
  const base = envelope(accountId, eventTimeMs)
  return {
    ...base,
    tradeId: `t-${base.eventId}`,
    side: 'buy',
    phase: 'opened',
    counterpartyId: 'trader',
    asset: 'BTC',
    assetQuantityUnits: '1000',
    assetScale: 8,
    fiatMinor: 10_000,
    currency: 'EUR',
    amountReferenceMinor: 10_000,
    priceDeviationBasisPoints: null,
    paymentMethod: 'bank-transfer',
    payerNameMatch: 'match',
    instrumentToken: null,
    deviceId: null,
    sessionId: null,
    networkClass: null,
    countryCode: null,
    utcOffsetMinutes: null,
    ...rest,
  }
}

/** A successful login from Berlin with the usual phone, unless told otherwise. */
export function login(eventTimeMs: number, more: Partial<Login> = {}): Login {
  const { accountId = 'a', ...rest } = more
  const base = envelope(accountId, eventTimeMs)
  return {
    ...base,
    loginId: `l-${base.eventId}`,
    outcome: 'success',
    failureReason: null,
    authMethods: ['passkey'],
    deviceId: 'phone',
    sessionId: `s-${base.eventId}`,
    ipToken: 'ip-home',
    ipPrefixToken: 'net-home',
    asn: 3320,
    countryCode: 'DE',
    region: null,
    networkClass: 'residential',
    browserToken: 'browser',
    osToken: 'os',
    deviceType: null,
    utcOffsetMinutes: null,
    latitudeCentidegrees: 5252,
    longitudeCentidegrees: 1340,
    roundTripMs: null,
    behaviourDistance: 50,
    ...rest,
  }
}

/** What a payment or trade turned out to be. */
export function outcome(eventTimeMs: number, subject: Payment | P2pTrade, more: Partial<Outcome> = {}): Outcome {
  const base = envelope(subject.accountId, eventTimeMs)
  return {
    ...base,
    outcomeId: `o-${base.eventId}`,
    subjectEventId: subject.eventId,
    subjectEventTimeMs: subject.eventTimeMs,
    decisionId: null,
    label: 'fraud',
    amountMinor: null,
    currency: null,
    counterpartyId: subject.counterpartyId,
    decidedBy: 'provider',
    knownAtMs: eventTimeMs,
    ...more,
  }
}

/** A hit of severity 500 on the account, unless told otherwise. */
export function alert(eventTimeMs: number, more: Partial<RiskAlert> = {}): RiskAlert {
  const { accountId = 'a', ...rest } = more
  const base = envelope(accountId, eventTimeMs)
  return {
    ...base,
    alertId: `r-${base.eventId}`,
    provider: 'watch',
    kind: 'payment',
    severity: 500,
    subjectEventId: null,
    counterpartyId: null,
    providerReference: 'ref',
    listHash: null,
    result: 'hit',
    expiresAtMs: null,
    ...rest,
  }
}

/** A liveness check that failed without an attack, unless told otherwise. */
export function liveness(eventTimeMs: number, more: Partial<LivenessResult> = {}): LivenessResult {
  const { accountId = 'a', ...rest } = more
  const base = envelope(accountId, eventTimeMs)
  return {
    ...base,
    checkId: `c-${base.eventId}`,
    challengeId: 'challenge',
    attempt: 1,
    outcome: 'failed',
    attackKind: 'none',
    confidence: 900,
    faceMatch: 'unknown',
    deviceId: null,
    sessionId: null,
    vendor: 'eyes',
    ...rest,
  }
}

/** The profile of a person from Germany with an account for ten days. */
export function profile(eventTimeMs: number, more: Partial<AccountProfile> = {}): AccountProfile {
  const { accountId = 'a', ...rest } = more
  return {
    ...envelope(accountId, eventTimeMs),
    accountKind: 'person',
    openedAtMs: eventTimeMs - 10 * DAY,
    kycLevel: 2,
    residenceCountry: 'DE',
    nationality: null,
    riskTier: null,
    ratingInputs: {},
    utcOffsetMinutes: 60,
    ...rest,
  }
}
