import { decayedDays } from './decayed-days'

const DAY_MS = 86_400_000

test.each([
  [60_000, 30],
  [600_000, 30],
  [DAY_MS, 1],
  [30 * DAY_MS, 30],
  [400 * DAY_MS, 7],
])('%d ms at a half-life of %d d', (spanMs, halfLifeDays) => {
  const exact = (-Math.expm1((-Math.LN2 * spanMs) / (halfLifeDays * DAY_MS)) * halfLifeDays) / Math.LN2
  expect(decayedDays(spanMs, halfLifeDays * DAY_MS) / exact).toBeCloseTo(1, 9)
})

test('no span weighs nothing, and an endless one no more than its half-life allows', () => {
  expect(decayedDays(0, DAY_MS)).toBeCloseTo(0, 12)
  expect(decayedDays(36_525 * DAY_MS, 1)).toBeCloseTo(1 / (Math.LN2 * DAY_MS), 12)
})
