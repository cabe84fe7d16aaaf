import { DAY_MS, HOUR_MS, NOON_MS, decide, merchant, ordinary, ordinaryLogin, pointsOf } from './testing/made-features'

const ONE = 65_536
const used = (fraudRegister: number, changes = {}) =>
  ordinary({
    counterparty: merchant({
      fraudRegister,
      lastKnownFraudMs: NOON_MS - 8 * DAY_MS,
      frauds3d: 2 * ONE,
      known3d: 3 * ONE,
      frauds7d: 3 * ONE,
      known7d: 6 * ONE,
      ...changes,
    }),
  })

test.each([
  [0b0, 0],
  [0b1, 50],
  [0b11, 250],
  [0b111, 340],
  [0b1111, 370],
  [0b11111111, 390],
  [0b11111110, 0],
])('newest known payments %s: %d points for frauds in a row', (register, points) => {
  expect(pointsOf(used(register), 'fraud-streak')).toBe(points)
})

test('three frauds in a row go to a person; one legitimate payment after them ends it', () => {
  expect(decide(used(0b111, { frauds3d: 3 * ONE })).verdict).toBe('hold')
  expect(decide(used(0b1110)).verdict).toBe('allow')
})

test('a streak is no longer than what is known', () => {
  expect(pointsOf(used(0b1111, { fraudRegisterLength: 1 }), 'fraud-streak')).toBe(50)
})

test('one fraud at a busy, clean merchant hardly counts: others must not burn it', () => {
  const busy = { frauds3d: ONE, known3d: 40 * ONE, frauds7d: ONE, known7d: 80 * ONE }
  expect(decide(used(0b1, busy)).scorePoints).toBeLessThan(100)
  expect(pointsOf(used(0b1, busy), 'fraud-rate')).toBe(0)
})

test('the rate is shrunk by the prior: 2 of 3 count as half', () => {
  expect(pointsOf(used(0b11), 'fraud-rate')).toBe(120)
})

test('old frauds fade, and many without a new one mean that it is repaired by now', () => {
  expect(pointsOf(used(0b11, { lastKnownFraudMs: NOON_MS - 7 * DAY_MS }), 'recent-fraud')).toBe(40)
  expect(pointsOf(used(0b11, { lastKnownFraudMs: NOON_MS - 14 * DAY_MS - HOUR_MS }), 'recent-fraud')).toBe(0)
  expect(pointsOf(used(0b11111111, { frauds7d: 8 * ONE, known7d: 9 * ONE }), 'long-known-fraud')).toBe(-300)
})

test('more frauds earn no less while there are new ones', () => {
  const burst = (count: number) => {
    const decayed = { frauds3d: count * ONE, known3d: (count + 2) * ONE, frauds7d: count * ONE, known7d: (count + 2) * ONE }
    return decide(used((1 << count) - 1, { ...decayed, lastKnownFraudMs: NOON_MS - HOUR_MS })).scorePoints
  }
  for (let count = 2; count <= 8; count++) expect(burst(count)).toBeGreaterThanOrEqual(burst(count - 1))
  expect(burst(3)).toBeGreaterThanOrEqual(500)
  const over = { frauds7d: 8 * ONE, known7d: 9 * ONE }
  expect(pointsOf(used(0b11111111, { ...over, lastKnownFraudMs: NOON_MS - 7 * DAY_MS + 1 }), 'long-known-fraud')).toBe(0)
  expect(pointsOf(used(0b11111111, { ...over, lastKnownFraudMs: NOON_MS - 7 * DAY_MS }), 'long-known-fraud')).toBe(-300)
})

test('disputes enter at their lower bound: one of one says less than seven of nine', () => {
  const traded = (tradesDisputed: number, tradesCompleted: number) =>
    ordinary({ counterparty: merchant({ tradesDisputed, tradesCompleted }) })
  expect(pointsOf(traded(0, 50), 'disputed-trades')).toBe(0)
  expect(pointsOf(traded(1, 200), 'disputed-trades')).toBe(0)
  expect(pointsOf(traded(7, 2), 'disputed-trades')).toBeGreaterThan(pointsOf(traded(1, 0), 'disputed-trades'))
})

test('chargebacks, counterfeits and alerts have tables of their own', () => {
  expect(pointsOf(ordinary({ counterparty: merchant({ chargebacks: 1 }) }), 'charged-back')).toBe(0)
  expect(pointsOf(ordinary({ counterparty: merchant({ chargebacks: 2 }) }), 'charged-back')).toBe(20)
  expect(pointsOf(ordinary({ counterparty: merchant({ counterfeitReports: 3 }) }), 'reported-counterfeit')).toBe(40)
  expect(pointsOf(ordinary({ counterparty: merchant({ alertSeverity: 299 }) }), 'counterparty-alerted')).toBe(0)
  expect(pointsOf(ordinary({ counterparty: merchant({ alertSeverity: 600 }) }), 'counterparty-alerted')).toBe(20)
})

test('unknown is a small signal of its own (cold start), known and clean is none', () => {
  expect(decide(ordinary({ counterparty: null })).scorePoints).toBe(5)
  expect(decide(ordinary({ counterparty: merchant({ paymentCount: 1 }) })).scorePoints).toBe(5)
  expect(decide(ordinary({ counterparty: merchant({ paymentCount: 2 }) })).scorePoints).toBe(0)
  expect(decide(ordinaryLogin({ counterparty: null })).scorePoints).toBe(0)
})
