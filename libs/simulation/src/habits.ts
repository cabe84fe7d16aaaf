import { logIn, merchantId, pay, type Scene, type Session, trade } from './acts'
import { type Account, hexToken, popularMerchant } from './population'
import { Random } from './random'
import { DAY_MS, minutes, type Stage, type Story } from './stage'

/** Weight of each local hour: two peaks, at lunch and in the evening, and next to nothing at night. */
const HOUR_WEIGHTS = [4, 0, 0, 0, 0, 0, 10, 40, 70, 60, 60, 90, 150, 130, 70, 60, 70, 100, 150, 170, 150, 100, 50, 15]
/** Frauds among ordinary payments, in 10,000: a low background. */
const BACKGROUND_FRAUDS_PER_TEN_THOUSAND = 6
const PAYMENTS_IN_SESSION = [0, 1, 1, 1, 2, 2, 3]

/** Announces every account: its profile, on the first day. */
export function openAccounts(stage: Stage): void {
  for (const account of stage.accounts) {
    const random = new Random(stage.plan.seed, 0x0be, account.index)
    stage.put('account-profiles', {
      accountId: account.accountId,
      eventTimeMs: stage.plan.startMs + account.index,
      source: 'onboarding',
      accountKind: 'person',
      openedAtMs: stage.plan.startMs - random.between(60, 1_500) * DAY_MS,
      kycLevel: random.between(1, 3),
      residenceCountry: account.home.countryCode,
      riskTier: random.chance(900) ? 'low' : 'medium',
      ratingInputs: {},
      utcOffsetMinutes: account.home.utcOffsetMinutes,
    })
  }
}

/** An account's ordinary day: sessions at its usual hours, purchases at its usual places, now and then a trade. */
export function liveOrdinaryDay(stage: Stage, account: Account, day: number, story?: Story): void {
  const random = new Random(stage.plan.seed, 0xda7, account.index, day)
  const scene: Scene = { stage, random, account, story }
  const rate = account.sessionsPerDayPermille
  const sessions = Math.floor(rate / 1000) + (random.chance(rate % 1000) ? 1 : 0)
  for (let n = 0; n < sessions; n++) {
    let atMs = stage.localTimeMs(account, day, usualSecond(account, random))
    if (random.chance(25)) logIn(scene, { atMs: atMs - random.between(8_000, 40_000), failed: true })
    const session = logIn(scene, { atMs })
    for (let left = random.pick(PAYMENTS_IN_SESSION); left > 0; left--) {
      atMs += random.between(30_000, 400_000)
      buyAsUsual(scene, session, atMs)
    }
    if (random.chance(4)) passLivenessCheck(scene, session, atMs + 20_000)
    if (account.trader && random.chance(160)) tradeAsUsual(scene, session, atMs + random.between(20_000, 200_000))
  }
}

/** A purchase in the account's habit; a few later turn out to be fraud, which an outcome tells 7 to 12 days after. */
export function buyAsUsual(scene: Scene, session: Session, atMs: number, factorPermille = 1000): string {
  const { stage, random, account } = scene
  const merchant = random.chance(880) ? random.pick(account.favourites) : popularMerchant(random, stage.plan.merchants)
  const pricePermille = 750 + ((merchant * 37) % 500)
  const amountMinor = Math.max(
    100,
    Math.round((((account.medianMinor * pricePermille) / 1000) * random.spreadPermille() * factorPermille) / 1_000_000),
  )
  const counterpartyId = merchantId(merchant)
  const eventId = pay(scene, session, { atMs, amountMinor, counterpartyId })
  if (account.part.kind === 'ordinary' && random.below(10_000) < BACKGROUND_FRAUDS_PER_TEN_THOUSAND) {
    const knownAtMs = atMs + 7 * DAY_MS + random.below(5 * DAY_MS)
    stage.put('outcomes', {
      accountId: account.accountId,
      eventTimeMs: knownAtMs,
      source: 'disputes',
      outcomeId: `o-${hexToken(random)}`,
      subjectEventId: eventId,
      subjectEventTimeMs: atMs,
      label: random.chance(700) ? 'fraud' : 'chargeback',
      amountMinor,
      currency: account.home.currency,
      counterpartyId,
      decidedBy: 'provider',
      knownAtMs,
    })
  }
  return eventId
}

/** A local second of day at which this account usually acts. */
export function usualSecond(account: Account, random: Random): number {
  const nightWorker = account.part.kind === 'oddity' && account.part.name === 'night-worker'
  const hour = (random.weighted(HOUR_WEIGHTS) + account.hourShift + (nightWorker ? 8 : 0) + 24) % 24
  return hour * 3600 + random.below(3600)
}

function tradeAsUsual(scene: Scene, session: Session, atMs: number): void {
  const { stage, random, account } = scene
  if (stage.traders.length < 2) return
  const partner = stage.traders[(account.index * 7 + random.below(4) * 13 + 1) % stage.traders.length]
  if (partner === account) return
  const tradeId = `t-${hexToken(random)}`
  const side = random.chance(500) ? 'buy' : 'sell'
  const other = side === 'buy' ? 'sell' : 'buy'
  const fiatMinor = Math.round((account.medianMinor * 3 * random.spreadPermille()) / 1000)
  const completedMs = atMs + random.between(minutes(4), minutes(25))
  const partnerScene: Scene = { stage, random, account: partner }
  for (const [phase, when] of [
    ['opened', atMs],
    ['completed', completedMs],
  ] as const) {
    trade(scene, session, { atMs: when, tradeId, side, phase, counterpartyId: partner.accountId, fiatMinor })
    trade(partnerScene, undefined, { atMs: when + 40, tradeId, side: other, phase, counterpartyId: account.accountId, fiatMinor })
  }
}

function passLivenessCheck(scene: Scene, session: Session, atMs: number): void {
  const { stage, random, account } = scene
  stage.put('liveness-results', {
    accountId: account.accountId,
    eventTimeMs: atMs,
    source: 'liveness',
    checkId: `k-${hexToken(random)}`,
    challengeId: `ch-${hexToken(random)}`,
    attempt: 1,
    outcome: 'passed',
    attackKind: 'none',
    confidence: random.between(900, 999),
    faceMatch: 'match',
    deviceId: session.deviceId,
    sessionId: session.sessionId,
    vendor: 'v-1',
  })
}
