import { MAX_TABLED_COUNT, unlikelyBelowAt, unlikelyBelowMean } from './poisson-tail'

describe('the largest mean at which k events are unlikely', () => {
  const table = unlikelyBelowMean(1_000_000)

  // P(X >= 1) = 1 - exp(-m) is below one in a thousand up to m = -ln(0.999); P(X >= 2) = 1 - exp(-m)(1 + m).
  test('agrees with the closed form for one and two events', () => {
    expect(table[1]).toBeCloseTo(0.0010005003, 9)
    expect(1 - Math.exp(-table[2]) * (1 + table[2])).toBeCloseTo(0.001, 8)
  })

  // Exact Poisson limits (Garwood 1936): for 10 events, 99.9 % one-sided, 2.9605.
  test('agrees with published limits for ten events', () => expect(table[10]).toBeCloseTo(2.9605, 3))

  /** P(X >= k), summed from the k-th term on. */
  const tail = (k: number, mean: number): number => {
    let logTerm = -mean
    for (let j = 1; j <= k; j++) logTerm += Math.log(mean / j)
    let sum = 0
    for (let j = k, term = Math.exp(logTerm); term > sum * 1e-17; term *= mean / ++j) sum += term
    return sum
  }

  test.each([1_000, 1_000_000, 100_000_000])(
    'for more than 255 events stays below the true one, near it (alpha %d in 10^9)',
    (alphaPpb) => {
      const means = unlikelyBelowMean(alphaPpb)
      expect(unlikelyBelowAt(means, 255)).toBe(means[255])
      for (const k of [256, 300, 1_000, 4_000]) {
        const mean = unlikelyBelowAt(means, k)
        expect(mean).toBeGreaterThan(unlikelyBelowAt(means, k - 1))
        expect(tail(k, mean)).toBeLessThan(alphaPpb / 1e9)
        expect(mean).toBeGreaterThan(0.7 * k)
      }
    },
  )

  test('grows with the count, and with alpha', () => {
    const stricter = unlikelyBelowMean(1_000)
    for (let k = 1; k <= MAX_TABLED_COUNT; k++) {
      expect(table[k]).toBeGreaterThan(table[k - 1])
      expect(stricter[k]).toBeLessThan(table[k])
    }
  })
})
