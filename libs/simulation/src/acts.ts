import { type Account, type Device, type Home, hexToken, REFERENCE_PER_HUNDRED } from './population'
import type { Random } from './random'
import type { Stage, Story } from './stage'

/** What every act needs: where it goes, who acts, when, and what it is part of. */
export interface Scene {
  readonly stage: Stage
  readonly random: Random
  readonly account: Account
  readonly story?: Story | undefined
}

/** How a login differs from the account's usual one. */
export interface LoginTraits {
  readonly atMs: number
  readonly device?: Device
  readonly place?: Home
  readonly networkClass?: string
  readonly ipPrefixToken?: string
  readonly asn?: number
  readonly authMethods?: readonly string[]
  readonly behaviourDistance?: number
  readonly failed?: boolean
}

/** A session that a login opened: what later events in it carry. */
export interface Session {
  readonly sessionId: string
  readonly deviceId: string
  readonly networkClass: string
  readonly place: Home
}

/** The account logs in; by default with its own device from its own network. Gives the session for what follows. */
export function logIn(scene: Scene, traits: LoginTraits): Session {
  const { random, account, stage } = scene
  const place = traits.place ?? account.home
  const device = traits.device ?? account.devices[random.chance(850) ? 0 : account.devices.length - 1]
  const mobile = traits.networkClass === undefined && device.deviceType === 'phone' && random.chance(300)
  const networkClass = traits.networkClass ?? (mobile ? 'mobile' : 'residential')
  const prefix = traits.ipPrefixToken ?? (mobile ? `px-m${place.mobileAsn}-${random.below(4)}` : account.ipPrefixToken)
  const session: Session = { sessionId: `s-${hexToken(random)}`, deviceId: device.deviceId, networkClass, place }
  stage.put(
    'logins',
    {
      accountId: account.accountId,
      eventTimeMs: traits.atMs,
      source: 'sign-in',
      loginId: `l-${hexToken(random)}`,
      outcome: traits.failed === true ? 'failed' : 'success',
      ...(traits.failed === true ? { failureReason: 'wrong password' } : {}),
      authMethods: traits.authMethods ?? (account.index % 3 === 0 ? ['passkey'] : ['password', 'otp']),
      deviceId: device.deviceId,
      sessionId: session.sessionId,
      ipToken: `${prefix}-${random.below(mobile ? 200 : 3)}`,
      ipPrefixToken: prefix,
      asn: traits.asn ?? (mobile ? place.mobileAsn : place.asn),
      countryCode: place.countryCode,
      region: place.region,
      networkClass,
      browserToken: device.browserToken,
      osToken: device.osToken,
      deviceType: device.deviceType,
      utcOffsetMinutes: place.utcOffsetMinutes,
      latitudeCentidegrees: place.latitudeCentidegrees,
      longitudeCentidegrees: place.longitudeCentidegrees,
      roundTripMs: random.between(15, 140),
      behaviourDistance: traits.behaviourDistance ?? random.between(30, 190),
    },
    { story: scene.story },
  )
  return session
}

/** What is particular about a payment. */
export interface PaymentTraits {
  readonly atMs: number
  readonly amountMinor: number
  readonly counterpartyId: string
  readonly counterpartyKind?: string
  readonly kind?: string
  readonly method?: string
  readonly provider?: string
  readonly productCategory?: string
  readonly currency?: 'USD' | 'EUR'
  readonly instrumentToken?: string
  readonly deviceId?: string
  readonly eventId?: string
  readonly delayMs?: number
}

/** The account pays, by default by card at a merchant, in its home currency. Gives the event's id. */
export function pay(scene: Scene, session: Session | undefined, traits: PaymentTraits): string {
  const { account, stage, random } = scene
  const currency = traits.currency ?? account.home.currency
  const place = session?.place ?? account.home
  const deviceId = traits.deviceId ?? session?.deviceId
  return stage.put(
    'payments',
    {
      ...(traits.eventId === undefined ? {} : { eventId: traits.eventId }),
      accountId: account.accountId,
      eventTimeMs: traits.atMs,
      source: 'checkout',
      paymentId: `p-${hexToken(random)}`,
      kind: traits.kind ?? 'purchase',
      phase: 'authorised',
      direction: 'debit',
      amountMinor: traits.amountMinor,
      currency,
      amountReferenceMinor: inReference(traits.amountMinor, currency),
      utcOffsetMinutes: place.utcOffsetMinutes,
      counterpartyId: traits.counterpartyId,
      counterpartyKind: traits.counterpartyKind ?? 'merchant',
      method: traits.method ?? 'card',
      ...(traits.provider === undefined ? {} : { provider: traits.provider }),
      ...(traits.productCategory === undefined ? {} : { productCategory: traits.productCategory }),
      payerNameMatch: 'match',
      instrumentToken: traits.instrumentToken ?? account.instrumentToken,
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(session === undefined ? {} : { sessionId: session.sessionId, networkClass: session.networkClass }),
      countryCode: place.countryCode,
    },
    { story: scene.story, ...(traits.delayMs === undefined ? {} : { delayMs: traits.delayMs }) },
  )
}

/** One side's view of a trade, in one phase. */
export interface TradeTraits {
  readonly atMs: number
  readonly tradeId: string
  readonly side: 'buy' | 'sell'
  readonly phase: string
  readonly counterpartyId: string
  readonly fiatMinor: number
  readonly payerNameMatch?: string
  readonly paymentMethod?: string
  readonly priceDeviationBasisPoints?: number
}

/** The account's record of a P2P trade; a trade is told by both sides. Amounts in the reference currency. */
export function trade(scene: Scene, session: Session | undefined, traits: TradeTraits): string {
  const { account, stage } = scene
  const place = session?.place ?? account.home
  return stage.put(
    'p2p-trades',
    {
      accountId: account.accountId,
      eventTimeMs: traits.atMs,
      source: 'p2p-desk',
      tradeId: traits.tradeId,
      side: traits.side,
      phase: traits.phase,
      counterpartyId: traits.counterpartyId,
      asset: 'USDT',
      assetQuantityUnits: String(traits.fiatMinor * 10_000),
      assetScale: 6,
      fiatMinor: traits.fiatMinor,
      currency: 'USD',
      amountReferenceMinor: traits.fiatMinor,
      priceDeviationBasisPoints: traits.priceDeviationBasisPoints ?? (traits.tradeId.charCodeAt(3) % 60) - 30,
      paymentMethod: traits.paymentMethod ?? 'bank-transfer',
      payerNameMatch: traits.payerNameMatch ?? 'match',
      ...(session === undefined ? {} : { deviceId: session.deviceId, sessionId: session.sessionId, networkClass: session.networkClass }),
      countryCode: place.countryCode,
      utcOffsetMinutes: place.utcOffsetMinutes,
    },
    { story: scene.story },
  )
}

/** An amount in the scenario's reference currency (USD), rounded half up. */
function inReference(amountMinor: number, currency: 'USD' | 'EUR'): number {
  return Math.round((amountMinor * REFERENCE_PER_HUNDRED[currency]) / 100)
}

/** The account id of a merchant: a merchant is an account too. */
export function merchantId(index: number): string {
  return `m-${String(index + 1).padStart(4, '0')}`
}
