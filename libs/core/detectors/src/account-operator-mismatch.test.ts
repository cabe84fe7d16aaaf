import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy } from '@riskledger/policy'
import { replaced } from '@riskledger/policy/src/testing/replaced'
import { compilePolicy, newScoreCard, score } from './index'
import { DAY_MS, NOON_MS, decide, ordinary, ordinaryLogin, ordinaryTrade, pointsOf } from './testing/made-features'

test.each([
  [400, 0],
  [700, 140],
  [900, 200],
  [1_000, 200],
])('a behaviour distance of %d earns %d points at the login, and after it', (distance, points) => {
  expect(pointsOf(ordinaryLogin({ behaviourDistance: distance }), 'odd-behaviour')).toBe(points)
  expect(pointsOf(ordinary({ lastLoginBehaviourDistance: distance }), 'odd-behaviour-at-login')).toBe(points)
})

test('what a login showed is forgotten after an hour', () => {
  const seen = { lastLoginBehaviourDistance: 900, lastLoginNewDevice: true }
  expect(decide(ordinary({ ...seen, msSinceLastLogin: 3_600_000 })).scorePoints).toBe(240)
  expect(decide(ordinary({ ...seen, msSinceLastLogin: 3_600_001 })).scorePoints).toBe(0)
  expect(decide(ordinary({ ...seen, msSinceLastLogin: -1 })).scorePoints).toBe(0)
})

test('new device, network and country count once there are known ones (cold start)', () => {
  const login = { device: 'new', network: 'new', country: 'new' } as const
  expect(decide(ordinaryLogin(login)).scorePoints).toBe(130)
  expect(decide(ordinaryLogin({ ...login, knownDeviceCount: 0, loginHabitCount: 0 })).scorePoints).toBe(0)
})

test('the log ratio counts from five logins on and never makes a challenge alone', () => {
  expect(pointsOf(ordinaryLogin({ operatorLogRatioCentinats: 1_500 }), 'unlike-the-account')).toBe(60)
  expect(pointsOf(ordinaryLogin({ operatorLogRatioCentinats: 1_500, loginHabitCount: 4 }), 'unlike-the-account')).toBe(0)
  expect(decide(ordinaryLogin({ operatorLogRatioCentinats: 9_000 })).verdict).toBe('allow')
})

test('travel is impossible above the speed of an airliner, over more than a suburb', () => {
  expect(pointsOf(ordinaryLogin({ travelKmh: 949, travelKm: 6_000 }), 'impossible-travel')).toBe(0)
  expect(pointsOf(ordinaryLogin({ travelKmh: 950, travelKm: 6_000 }), 'impossible-travel')).toBe(120)
  expect(pointsOf(ordinaryLogin({ travelKmh: 3_000, travelKm: 299 }), 'impossible-travel')).toBe(0)
})

test('a device shared by a family is no signal, one shared by a crowd or of a known fraud is', () => {
  const device = (distinctAccounts: number, lastKnownFraudMs = -1) =>
    ordinary({ deviceFact: { asOfMs: NOON_MS, firstSeenMs: 0, distinctAccounts, lastKnownFraudMs } })
  expect(decide(device(3)).scorePoints).toBe(0)
  expect(pointsOf(device(10), 'shared-device')).toBe(150)
  expect(pointsOf(device(1, NOON_MS - 30 * DAY_MS), 'device-of-fraud')).toBe(200)
  expect(pointsOf(device(1, NOON_MS - 30 * DAY_MS - 1), 'device-of-fraud')).toBe(0)
})

test('payer name, session device and price', () => {
  expect(pointsOf(ordinary({ payerNameMatch: 'mismatch' }), 'payer-name-mismatch')).toBe(200)
  expect(pointsOf(ordinary({ payerNameMatch: 'unknown' }), 'payer-name-mismatch')).toBe(0)
  expect(pointsOf(ordinary({ sessionDeviceDiffers: true }), 'session-device-differs')).toBe(120)
  expect(pointsOf(ordinaryTrade({ priceDeviationBasisPoints: -499 }), 'price-off-market')).toBe(0)
  expect(pointsOf(ordinaryTrade({ priceDeviationBasisPoints: -1_000 }), 'price-off-market')).toBe(60)
  expect(pointsOf(ordinaryTrade({ priceDeviationBasisPoints: 1_000 }), 'price-off-market')).toBe(60)
})

describe('what an earlier login showed', () => {
  const since = { msSinceLastLogin: 60_000, msSinceEarlierLoginBehaviour: 65_000, msSinceEarlierLoginNewDevice: 65_000 }

  test('counts beside a later login that shows nothing, from its own time', () => {
    const odd = ordinary({ ...since, lastLoginBehaviourDistance: -1, earlierLoginBehaviourDistance: 900 })
    const { signals } = decide(odd)
    expect(signals.map(({ code, points }) => [code, points])).toEqual([
      ['odd-behaviour-at-login', 200],
      ['login-from-new-device', 40],
    ])
    for (const { features } of signals) expect(features).toContainEqual(expect.objectContaining({ name: 'since-login', value: 65_000 }))
    expect(decide({ ...odd, msSinceEarlierLoginBehaviour: 3_600_001, msSinceEarlierLoginNewDevice: 3_600_001 }).scorePoints).toBe(0)
  })

  test('gives way to a later one that is odder', () => {
    const [signal] = decide(ordinary({ ...since, lastLoginBehaviourDistance: 900, earlierLoginBehaviourDistance: 700 })).signals
    expect(signal.points).toBe(200)
    expect(signal.features).toContainEqual(expect.objectContaining({ name: 'since-login', value: 60_000 }))
  })

  test('is the oddest of those not too old, and of several the latest', () => {
    const times = { ...since, msSinceEarlierLoginBehaviour: 3_600_001, msSinceNewerLoginBehaviour: 1_860_000 }
    const odd = { ...times, lastLoginBehaviourDistance: 0, earlierLoginBehaviourDistance: 900, newerLoginBehaviourDistance: 800 }
    const [signal] = decide(ordinary(odd)).signals
    expect(signal).toMatchObject({ code: 'odd-behaviour-at-login', points: 170 })
    expect(signal.features).toContainEqual(expect.objectContaining({ name: 'since-login', value: 1_860_000 }))
    const [same] = decide(ordinary({ ...odd, lastLoginBehaviourDistance: 800 })).signals
    expect(same.features).toContainEqual(expect.objectContaining({ name: 'since-login', value: 60_000 }))
  })
})

test('a distance that is not known earns nothing, whatever the table gives for low ones', () => {
  const text = readFileSync(join(__dirname, '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8')
  const parsed = parsePolicy(
    replaced(text, 'odd-behaviour-at-login: { bands: [[400, 0],', 'odd-behaviour-at-login: { bands: [[-10, 30], [400, 0],'),
  )
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
  const card = newScoreCard()
  score(ordinary({ lastLoginBehaviourDistance: -1 }), compilePolicy(parsed.policy), card)
  expect(card.scorePoints).toBe(0)
})
