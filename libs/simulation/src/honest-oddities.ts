import { logIn, pay, type Scene } from './acts'
import { buyAsUsual, usualSecond } from './habits'
import { type Account, HOMES, hexToken, makeDevice } from './population'
import { Random } from './random'
import { minutes, type Stage, type Story } from './stage'

const RENT_DAYS = 30

/** True on days on which an odd but honest account does not live its ordinary day, because its story takes the place of it. */
export function replacesOrdinaryDay(stage: Stage, account: Account, day: number): boolean {
  if (account.part.kind !== 'oddity') return false
  return account.part.name === 'traveller' && day >= stage.plan.days - 1
}

/** What an odd but honest account does out of habit before the day of trouble: it paid its rent a month ago. */
export function prepareOddity(stage: Stage, account: Account): void {
  if (account.part.kind === 'oddity' && account.part.name === 'monthly-rent') {
    for (let day = stage.plan.days - RENT_DAYS; day >= 0; day -= RENT_DAYS) payRent(stage, account, day)
  }
}

/** The honest oddity of the day of trouble. */
export function actOddly(stage: Stage, account: Account): void {
  if (account.part.kind !== 'oddity') throw new RangeError(`${account.accountId} has no oddity`)
  const { part } = account
  const random = new Random(stage.plan.seed, 0x0dd, account.index)
  const scene: Scene = { stage, random, account, story: { part, role: 'sign', expected: null } }
  const { days } = stage.plan
  switch (part.name) {
    case 'night-worker': {
      const atMs = stage.localTimeMs(account, days, random.between(2, 3) * 3600 + random.below(3600))
      buyAsUsual(scene, logIn(scene, { atMs }), atMs + minutes(3))
      return
    }
    case 'monthly-rent':
      return payRent(stage, account, days)
    case 'traveller':
      return travel(scene)
    case 'new-phone': {
      const atMs = stage.localTimeMs(account, days, usualSecond(account, random))
      const session = logIn(scene, { atMs, device: makeDevice(random), networkClass: 'residential', authMethods: ['passkey', 'push'] })
      for (let n = 1; n <= 2; n++) buyAsUsual(scene, session, atMs + n * minutes(4))
      return
    }
    case 'payday-spree': {
      const atMs = stage.localTimeMs(account, days, random.between(17, 18) * 3600 + random.below(1800))
      const session = logIn(scene, { atMs })
      for (let n = 1; n <= 7; n++) buyAsUsual(scene, session, atMs + n * minutes(14) + random.below(120_000), 1200)
      return
    }
    default:
      part.name satisfies never
  }
}

/** Rent: the same large sum to the same landlord each month, by bank transfer in the morning. */
function payRent(stage: Stage, account: Account, day: number): void {
  const { part } = account
  if (part.kind !== 'oddity') return
  const random = new Random(stage.plan.seed, 0x2e47, account.index)
  const story: Story | undefined = day === stage.plan.days ? { part, role: 'sign', expected: null } : undefined
  const scene: Scene = { stage, random, account, story }
  const atMs = stage.localTimeMs(account, day, 9 * 3600 + random.below(3600))
  const landlord = `b-${hexToken(random)}`
  const amountMinor = random.between(110, 190) * 1000
  const at = logIn({ ...scene, random: new Random(stage.plan.seed, 0x2e48, account.index, day) }, { atMs })
  pay({ ...scene, random: new Random(stage.plan.seed, 0x2e49, account.index, day) }, at, {
    atMs: atMs + minutes(2),
    amountMinor,
    kind: 'transfer',
    method: 'bank-transfer',
    counterpartyId: landlord,
    counterpartyKind: 'person',
  })
}

/** A day after the last login at home: another country, the usual device, the usual hand, a few purchases. */
function travel(scene: Scene): void {
  const { stage, random, account } = scene
  const away = HOMES.filter((place) => place.countryCode !== account.home.countryCode)
  const place = random.pick(away)
  let atMs = stage.troubleMs + ((random.between(11, 18) * 60 - place.utcOffsetMinutes + 1440) % 1440) * 60_000
  const session = logIn(scene, {
    atMs,
    place,
    device: account.devices[0],
    networkClass: 'mobile',
    ipPrefixToken: `px-m${place.mobileAsn}-1`,
    asn: place.mobileAsn,
  })
  for (let n = 0; n < 2; n++) {
    atMs += random.between(minutes(5), minutes(50))
    buyAsUsual(scene, session, atMs)
  }
}
