import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy } from '@riskledger/policy'
import { replaced } from '@riskledger/policy/src/testing/replaced'
import { compilePolicy, newScoreCard, score } from './index'
import { DAY_MS, decide, ordinary, ordinaryTrade, pointsOf } from './testing/made-features'

const large = { amountMinor: 40_000, habitDistanceCenti: 600, ratioToLargestPermille: 2_000 }

describe('with enough known payments', () => {
  test.each([
    [199, 0],
    [200, 0],
    [250, 60],
    [300, 120],
    [400, 230],
    [600, 350],
    [1_000, 380],
    [1_000_000, 380],
  ])('a distance of %d hundredths earns %d points', (habitDistanceCenti, points) => {
    expect(pointsOf(ordinary({ ...large, habitDistanceCenti }), 'far-from-habit')).toBe(points)
  })

  test('an amount not above the largest known one earns nothing, however far', () => {
    expect(decide(ordinary({ ...large, ratioToLargestPermille: 1_000 })).scorePoints).toBe(0)
    expect(decide(ordinary({ ...large, ratioToLargestPermille: 1_001 })).scorePoints).toBeGreaterThanOrEqual(300)
  })

  test('odd amounts that await their label and a recent fraud count only beside an odd amount', () => {
    const suspicious = { pendingEvidencePermille: 4_000, msSinceLastKnownFraud: 10 * DAY_MS }
    expect(decide(ordinary(suspicious)).scorePoints).toBe(0)
    expect(pointsOf(ordinary({ ...large, ...suspicious }), 'odd-amounts-pending')).toBe(200)
    expect(pointsOf(ordinary({ ...large, ...suspicious }), 'after-known-fraud')).toBe(40)
    expect(pointsOf(ordinary({ ...large, pendingEvidencePermille: 2_499 }), 'odd-amounts-pending')).toBe(0)
    expect(pointsOf(ordinary({ ...large, msSinceLastKnownFraud: 40 * DAY_MS }), 'after-known-fraud')).toBe(0)
  })

  test('tells the habit it was held against', () => {
    const signal = decide(ordinary(large)).signals[0]
    expect(signal).toMatchObject({ code: 'far-from-habit', threshold: { value: 600, unit: 'centi-deviations' }, historyCount: 200 })
    expect(signal.features.map(({ name, value, unit }) => [name, value, unit])).toEqual([
      ['amount', 40_000, 'USD-minor'],
      ['usual-amount', 5_000, 'USD-minor'],
      ['percentile', 18_800, 'USD-minor'],
      ['habit-distance', 600, 'centi-deviations'],
    ])
  })
})

describe('with few known payments', () => {
  const few = { knownLegitimateCount: 9, ratioToLargestPermille: 1_500, habitDistanceCenti: 1_400 }

  test('the percentile of the habit decides, not a deviation of a handful', () => {
    expect(decide(ordinary({ ...few, amountMinor: 18_800 })).scorePoints).toBe(0)
    expect(pointsOf(ordinary({ ...few, amountMinor: 18_800 * 3 }), 'above-percentile')).toBe(150)
    expect(pointsOf(ordinary({ ...few, amountMinor: 18_800 * 6 }), 'above-percentile')).toBe(300)
  })

  test('an amount known to be legitimate is still not odd', () => {
    expect(decide(ordinary({ ...few, ratioToLargestPermille: 1_000, amountMinor: 18_800 * 6 })).scorePoints).toBe(0)
  })
})

describe('without a habit (cold start)', () => {
  const cold = { knownLegitimateCount: 0, ratioToLargestPermille: -1, amountHabitMilliCount: 4_999 }

  test.each([
    [60_000, 0],
    [180_000, 100],
    [600_000, 200],
    [90_000_000, 200],
  ])('%d minor units against a population that stays below 60,000 earn %d points: below a challenge', (amountMinor, points) => {
    expect(pointsOf(ordinary({ ...cold, amountMinor }), 'above-population')).toBe(points)
    expect(decide(ordinary({ ...cold, amountMinor })).verdict).toBe('allow')
  })

  test('with no population either there is nothing to say', () => {
    expect(decide(ordinary({ ...cold, amountMinor: 90_000_000, populationPercentileMinor: -1 })).scorePoints).toBe(0)
  })
})

test('money that comes in, and events without an amount, are not judged', () => {
  expect(decide(ordinary({ ...large, direction: 'credit' })).scorePoints).toBe(0)
  expect(decide(ordinary({ ...large, amountMinor: 0 })).scorePoints).toBe(0)
  expect(decide(ordinary({ ...large, late: true })).scorePoints).toBe(0)
})

test('a trade is judged by the habit of trades, sales too', () => {
  expect(pointsOf(ordinaryTrade({ kind: 'sell', direction: 'credit', amountMinor: 18_800 * 6 }), 'above-percentile')).toBe(300)
})

test('where nothing waits for its label, nothing is earned for it, whatever the table gives for low ratios', () => {
  const text = readFileSync(join(__dirname, '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8')
  const parsed = parsePolicy(
    replaced(text, 'odd-amounts-pending: { bands: [[2500, 0],', 'odd-amounts-pending: { bands: [[-10, 30], [2500, 0],'),
  )
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
  const { detectors } = parsed.policy
  expect(detectors['amount-deviation']['odd-amounts-pending'].bands[0]).toEqual([-10, 30])
  const card = newScoreCard()
  score(ordinary({ ...large, pendingEvidencePermille: -1 }), compilePolicy(parsed.policy), card)
  expect(card.scorePoints).toBe(decide(ordinary({ ...large, pendingEvidencePermille: -1 })).scorePoints)
})
