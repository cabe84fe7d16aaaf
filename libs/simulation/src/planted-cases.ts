import { logIn, merchantId, pay, type Scene, trade } from './acts'
import { type Account, hexToken, HOMES, makeDevice } from './population'
import { Random } from './random'
import type { CaseName } from './scenario-item'
import { DAY_MS, minutes, type Stage, type Story } from './stage'

/** The mildest verdict that counts as having caught a case. */
const EXPECTED: Readonly<Record<CaseName, 'challenge' | 'hold'>> = {
  'large-night-purchase': 'hold',
  'stolen-phone': 'challenge',
  'dirty-money': 'hold',
  'card-testing': 'hold',
  'prohibited-region': 'challenge',
}

/** Puts a case on the calendar: its history in the days of habit, its signs on the day of trouble. */
export function plantCase(stage: Stage, account: Account): void {
  if (account.part.kind !== 'case') throw new RangeError(`${account.accountId} has no part in a case`)
  const { part } = account
  const random = new Random(stage.plan.seed, 0xca5e, account.index)
  const sign: Scene = { stage, random, account, story: { part, role: 'sign', expected: EXPECTED[part.name] } }
  const context: Story = { part, role: 'context', expected: null }
  switch (part.name) {
    case 'large-night-purchase':
      return plantLargeNightPurchase(sign, context)
    case 'stolen-phone':
      return plantStolenPhone(sign, context)
    case 'dirty-money':
      return plantDirtyMoney(sign, context)
    case 'card-testing':
      return plantCardTesting(sign)
    case 'prohibited-region':
      return plantProhibitedRegion(sign)
    default:
      part.name satisfies never
  }
}

/** $3,000 of electronics at 02:40 through a third-party wallet; the wallet alerts; the merchant is reported for counterfeits. */
function plantLargeNightPurchase(scene: Scene, context: Story): void {
  const { stage, random, account } = scene
  const counterpartyId = merchantId(stage.plan.merchants + account.index)
  const atMs = stage.localTimeMs(account, stage.plan.days, 2 * 3600 + 40 * 60 + 18)
  for (let report = 3; report >= 1; report--) {
    const reportMs = atMs - report * 20 * 3_600_000
    stage.put(
      'risk-alerts',
      alert(random, { accountId: counterpartyId, atMs: reportMs, kind: 'counterfeit', severity: 650, counterpartyId }),
      { story: context },
    )
  }
  const session = logIn({ ...scene, story: context }, { atMs: atMs - minutes(4) })
  const eventId = stage.newId()
  const wallet = alert(random, { accountId: account.accountId, atMs: atMs - 7_000, kind: 'payment', severity: 600, counterpartyId })
  stage.put('risk-alerts', { ...wallet, subjectEventId: eventId }, { story: context })
  const purchase = {
    amountMinor: 300_000,
    currency: 'USD',
    method: 'third-party',
    provider: 'w-1',
    productCategory: 'electronics',
  } as const
  pay(scene, session, { atMs, eventId, counterpartyId, ...purchase })
}

/** A new device on another network, handled unlike its owner; a sale and a withdrawal follow, and a mask before the camera. */
function plantStolenPhone(scene: Scene, context: Story): void {
  const { stage, random, account } = scene
  const thief = makeDevice(random)
  let atMs = stage.localTimeMs(account, stage.plan.days, random.between(13, 17) * 3600 + random.below(3000))
  const session = logIn(scene, {
    atMs,
    device: thief,
    networkClass: 'hosting',
    ipPrefixToken: `px-${hexToken(random)}`,
    asn: 14_061,
    authMethods: ['password', 'otp'],
    behaviourDistance: random.between(760, 920),
  })
  const fence = stage.traders.find((trader) => trader !== account)
  atMs += minutes(3)
  const tradeId = `t-${hexToken(random)}`
  const fiatMinor = account.medianMinor * 12
  const counterpartyId = fence?.accountId ?? 'a-unknown'
  trade(scene, session, { atMs, tradeId, side: 'sell', phase: 'opened', counterpartyId, fiatMinor, priceDeviationBasisPoints: -850 })
  if (fence !== undefined) {
    const other: Scene = { stage, random, account: fence, story: context }
    trade(other, undefined, {
      atMs: atMs + 40,
      tradeId,
      side: 'buy',
      phase: 'opened',
      counterpartyId: account.accountId,
      fiatMinor,
      priceDeviationBasisPoints: -850,
    })
  }
  stage.put('liveness-results', failedLiveness(scene, atMs + minutes(2), session), { story: context })
  const amountMinor = account.medianMinor * 15
  pay(scene, session, {
    atMs: atMs + minutes(5),
    amountMinor,
    kind: 'withdrawal',
    method: 'crypto',
    counterpartyId: `x-${hexToken(random)}`,
    counterpartyKind: 'exchange',
  })
}

/** A buyer whose payments come under another name, after weeks of disputed trades. */
function plantDirtyMoney(scene: Scene, context: Story): void {
  const { stage, random, account } = scene
  const sellers = stage.traders.filter((trader) => trader !== account)
  const sellerOf = (n: number): Account => sellers[(account.index * 11 + n * 5) % sellers.length]
  const deal = (seller: Account, atMs: number, phases: readonly string[], story: Story): void => {
    const tradeId = `t-${hexToken(random)}`
    const fiatMinor = random.between(180_000, 260_000)
    for (const [n, phase] of phases.entries()) {
      const traits = { atMs: atMs + n * minutes(9), tradeId, phase, fiatMinor, payerNameMatch: 'mismatch', paymentMethod: 'third-party' }
      trade({ stage, random, account, story }, undefined, { ...traits, side: 'buy', counterpartyId: seller.accountId })
      const selling: Scene = { stage, random, account: seller, story }
      trade(selling, undefined, { ...traits, atMs: traits.atMs + 40, side: 'sell', counterpartyId: account.accountId })
    }
  }
  const disputes = 7
  for (let n = 1; n <= disputes; n++) {
    const day = Math.max(0, stage.plan.days - 1 - n * Math.max(1, Math.floor(stage.plan.days / (disputes + 2))))
    deal(sellerOf(n), stage.localTimeMs(account, day, 11 * 3600 + random.below(28_000)), ['opened', 'disputed'], context)
  }
  const atMs = stage.localTimeMs(account, stage.plan.days, random.between(10, 18) * 3600)
  const funds = alert(random, {
    accountId: account.accountId,
    atMs: atMs - minutes(6),
    kind: 'dirty-funds',
    severity: 700,
  })
  stage.put('risk-alerts', funds, { story: context })
  deal(sellerOf(0), atMs, ['opened', 'paid'], scene.story ?? context)
}

/** Forty small payments in ten minutes over 33 merchants, from a device that the account never used. */
function plantCardTesting(scene: Scene): void {
  const { stage, random, account } = scene
  const device = makeDevice(random)
  const startMs = stage.localTimeMs(account, stage.plan.days, random.between(10, 16) * 3600)
  const stepMs = Math.floor(minutes(10) / 40)
  for (let n = 0; n < 40; n++) {
    const counterpartyId = merchantId(((n % 33) * 3 + account.index) % stage.plan.merchants)
    pay(scene, undefined, {
      atMs: startMs + n * stepMs + random.below(stepMs),
      amountMinor: random.between(60, 499),
      counterpartyId,
      deviceId: device.deviceId,
    })
  }
}

/** A login out of a region where the operator may not serve, hidden behind a VPN, and a transfer. */
function plantProhibitedRegion(scene: Scene): void {
  const { stage, random, account } = scene
  const place = {
    ...HOMES[0],
    countryCode: 'KP',
    region: 'KP-01',
    utcOffsetMinutes: 540,
    latitudeCentidegrees: 3902,
    longitudeCentidegrees: 12575,
  }
  const atMs = stage.localTimeMs(account, stage.plan.days, random.between(11, 19) * 3600)
  const session = logIn(scene, { atMs, place, networkClass: 'vpn', ipPrefixToken: `px-${hexToken(random)}`, asn: 131_279 })
  pay(scene, session, {
    atMs: atMs + minutes(4),
    amountMinor: account.medianMinor * 4,
    kind: 'transfer',
    method: 'bank-transfer',
    counterpartyId: `b-${hexToken(random)}`,
    counterpartyKind: 'person',
  })
}

function alert(
  random: Random,
  traits: {
    readonly accountId: string
    readonly atMs: number
    readonly kind: string
    readonly severity: number
    readonly counterpartyId?: string
  },
) {
  return {
    accountId: traits.accountId,
    eventTimeMs: traits.atMs,
    source: 'alert-desk',
    alertId: `al-${hexToken(random)}`,
    provider: 'w-1',
    kind: traits.kind,
    severity: traits.severity,
    ...(traits.counterpartyId === undefined ? {} : { counterpartyId: traits.counterpartyId }),
    providerReference: `w-1/${hexToken(random)}`,
    result: 'hit',
    expiresAtMs: traits.atMs + 30 * DAY_MS,
  }
}

function failedLiveness(scene: Scene, atMs: number, session: { readonly deviceId: string; readonly sessionId: string }) {
  return {
    accountId: scene.account.accountId,
    eventTimeMs: atMs,
    source: 'liveness',
    checkId: `k-${hexToken(scene.random)}`,
    challengeId: `ch-${hexToken(scene.random)}`,
    attempt: 1,
    outcome: 'failed',
    attackKind: 'mask',
    confidence: 930,
    faceMatch: 'mismatch',
    deviceId: session.deviceId,
    sessionId: session.sessionId,
    vendor: 'v-1',
  }
}
