import { compilePolicy, newScoreCard, score, scoreWithout, verdictOf } from './index'
import { DEFAULT_POLICY, ordinary, windows } from './testing/made-features'

const compiled = compilePolicy(DEFAULT_POLICY)

test.each([
  [0, 'allow'],
  [299, 'allow'],
  [300, 'challenge'],
  [499, 'challenge'],
  [500, 'hold'],
  [799, 'hold'],
  [800, 'block'],
  [1000, 'block'],
])('a score of %d is %s', (points, verdict) => {
  for (const topic of ['payments', 'logins', 'p2p-trades'] as const) expect(verdictOf(topic, compiled, points)).toBe(verdict)
})

test('the score stays within 0 and 1000', () => {
  const card = newScoreCard()
  score(ordinary({ livenessPassedAfterFailure: true }), compiled, card)
  expect(card).toMatchObject({ scorePoints: 0, verdict: 'allow', signalCount: 1 })
  score(ordinary({ accountAlerts: { sanctions: 1_000 }, livenessAttackKind: 'deepfake' }), compiled, card)
  expect(card).toMatchObject({ scorePoints: 1000, verdict: 'block' })
})

test('a card that is used again holds nothing of before', () => {
  const card = newScoreCard()
  score(
    ordinary({ payments: windows([9, 40, 40, 40, 40, 40]), smallPayments: windows([9, 40, 40, 40, 40, 40]), distinctCounterparties1h: 33 }),
    compiled,
    card,
  )
  expect(card.combinationCount).toBe(1)
  score(ordinary(), compiled, card)
  expect(card).toMatchObject({ signalCount: 0, combinationCount: 0, scorePoints: 0, verdict: 'allow' })
  expect(card.pointsByCode.every((points) => points === 0)).toBe(true)
})

test('without a detector, its signals and the combinations that need them are gone', () => {
  const card = newScoreCard()
  score(
    ordinary({ localHour: 2, hourSharePpm: 0, amountMinor: 40_000, habitDistanceCenti: 600, ratioToLargestPermille: 2_000 }),
    compiled,
    card,
  )
  expect(card.scorePoints).toBe(350 + 70 + 60 + 40 + 80)
  expect(scoreWithout(card, compiled, 'late-night-deviation')).toBe(420)
  expect(scoreWithout(card, compiled, 'amount-deviation')).toBe(100)
  expect(scoreWithout(card, compiled, 'velocity')).toBe(card.scorePoints)
})
