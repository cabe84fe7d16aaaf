import { MAX_TABLED_COUNT, unlikelyBelowMean } from './poisson-tail'

describe('the largest mean at which k events are unlikely', () => {
  const table = unlikelyBelowMean(1_000_000)

  // P(X >= 1) = 1 - exp(-m) is below one in a thousand up to m = -ln(0.999); P(X >= 2) = 1 - exp(-m)(1 + m).
  test('agrees with the closed form for one and two events', () => {
    expect(table[1]).toBeCloseTo(0.0010005003, 9)
    expect(1 - Math.exp(-table[2]) * (1 + table[2])).toBeCloseTo(0.001, 8)
  })

  // Exact Poisson limits (Garwood 1936): for 10 events, 99.9 % one-sided, 2.9605.
  test('agrees with published limits for ten events', () => expect(table[10]).toBeCloseTo(2.9605, 3))

  test('grows with the count, and with alpha', () => {
    const stricter = unlikelyBelowMean(1_000)
    for (let k = 1; k <= MAX_TABLED_COUNT; k++) {
      expect(table[k]).toBeGreaterThan(table[k - 1])
      expect(stricter[k]).toBeLessThan(table[k])
    }
  })
})
