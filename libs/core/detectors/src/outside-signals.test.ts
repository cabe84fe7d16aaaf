import { decide, ordinary, ordinaryLogin, pointsOf } from './testing/made-features'

describe('external alerts', () => {
  test('count by kind, in proportion to their severity', () => {
    expect(pointsOf(ordinary({ accountAlerts: { 'dirty-funds': 1_000 } }), 'account-alert')).toBe(500)
    expect(pointsOf(ordinary({ accountAlerts: { 'dirty-funds': 700 } }), 'account-alert')).toBe(350)
    expect(pointsOf(ordinary({ accountAlerts: { 'a-new-kind': 700 } }), 'account-alert')).toBe(140)
    expect(pointsOf(ordinary({ counterpartyAlerts: { counterfeit: 1_000 } }), 'counterparty-alert')).toBe(150)
  })

  test('without severity, or cleared, say nothing', () => {
    expect(decide(ordinary({ accountAlerts: { sanctions: 0 } })).scorePoints).toBe(0)
    expect(decide(ordinary({ accountAlerts: { sanctions: -1 } })).scorePoints).toBe(0)
  })

  test('on the event and on the account count each, also where they are alike', () => {
    const both = { accountAlerts: { payment: 600 }, eventAlerts: { payment: 600 } }
    expect(decide(ordinary(both)).scorePoints).toBe(90 + 90)
    expect(decide(ordinary({ ...both, accountAlerts: { pep: 600 } })).scorePoints).toBe(90 + 72)
  })

  test('of several kinds the one that earns most counts, not the most severe', () => {
    const decision = decide(ordinary({ accountAlerts: { payment: 900, sanctions: 800 } }))
    expect(decision).toMatchObject({ verdict: 'block', scorePoints: 800 })
    expect(decision.signals[0].features).toEqual([
      expect.objectContaining({ name: 'severity', value: 800 }),
      expect.objectContaining({ name: 'kind', text: 'sanctions' }),
    ])
  })

  test('a sanctions hit blocks', () => {
    expect(decide(ordinary({ accountAlerts: { sanctions: 1_000 } })).verdict).toBe('block')
  })
})

describe('liveness', () => {
  test.each([
    [0, 0],
    [1, 60],
    [3, 250],
    [9, 250],
  ])('%d failed checks earn %d points', (livenessFailed1d, points) =>
    expect(pointsOf(ordinary({ livenessFailed1d }), 'liveness-failed')).toBe(points),
  )

  test('abandoning once is no signal, twice is a small one', () => {
    expect(decide(ordinary({ livenessAbandoned1d: 1 })).scorePoints).toBe(0)
    expect(decide(ordinary({ livenessAbandoned1d: 2 })).scorePoints).toBe(40)
  })

  test.each([
    ['none', 0],
    ['photo', 350],
    ['replay', 400],
    ['mask', 450],
    ['deepfake', 500],
    ['unknown', 300],
    ['a-new-kind', 300],
  ])('an attack with %s earns %d points', (livenessAttackKind, points) => {
    expect(pointsOf(ordinary({ livenessAttackKind }), 'liveness-attack')).toBe(points)
  })

  test('passing after a bad photo reassures; passing after an attack or as another person does not', () => {
    const retried = { livenessFailed1d: 1, livenessPassedAfterFailure: true }
    expect(decide(ordinary(retried)).scorePoints).toBe(0)
    expect(pointsOf(ordinary({ ...retried, livenessAttackKind: 'mask' }), 'liveness-passed')).toBe(0)
    expect(pointsOf(ordinary({ ...retried, livenessFaceMismatch: true }), 'liveness-passed')).toBe(0)
  })
})

describe('access', () => {
  test('a prohibited country is a challenge by itself; none given is no signal', () => {
    expect(decide(ordinaryLogin({ countryCode: 'IR' })).verdict).toBe('challenge')
    expect(decide(ordinaryLogin({ countryCode: null })).scorePoints).toBe(0)
  })

  test.each([
    ['vpn', 30],
    ['hosting', 60],
    ['proxy', 60],
    ['tor', 150],
    ['mobile', 0],
    ['corporate', 0],
    ['unknown', 0],
  ])('%s earns %d points: allowed', (networkClass, points) => {
    expect(decide(ordinaryLogin({ networkClass }))).toMatchObject({ verdict: 'allow', scorePoints: points })
  })

  test('a change of country since the last login is small', () => {
    expect(decide(ordinaryLogin({ countryChangedSinceLastLogin: true, networkChangedSinceLastLogin: true })).scorePoints).toBe(20)
  })
})
