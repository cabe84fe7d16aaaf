import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy } from '@riskledger/policy'
import { replaced } from '@riskledger/policy/src/testing/replaced'
import { exposureDays, type Features } from '@riskledger/profiles'
import { compilePolicy, describeDecision, newScoreCard, score } from './index'
import { DAY_MS, decide, ordinary, ordinaryLogin, ordinaryTrade, pointsOf, windows, type SixCounts } from './testing/made-features'

const inTenMinutes = (n: number): SixCounts => [1, n, n, n, n, n]

describe('payments in ten minutes', () => {
  test.each([
    [7, 0],
    [8, 40],
    [20, 300],
    [40, 600],
    [255, 600],
    [4_000, 600],
  ])('%d earn %d points', (count, points) => {
    expect(pointsOf(ordinary({ payments: windows(inTenMinutes(count)) }), 'payments-in-10min')).toBe(points)
  })

  test('are no burst for an account that always pays so fast', () => {
    const machine = ordinary({ payments: windows([2, 15, 90, 2_000, 14_000, 60_000]), paymentsPerDayMilli: 2_000_000 })
    expect(pointsOf(machine, 'payments-in-10min')).toBe(0)
    expect(pointsOf(machine, 'payments-in-1d')).toBe(0)
  })

  test('of an account without history are held to the least rate of the policy', () => {
    const fresh = { paymentsPerDayMilli: 0, historyMs: 0 }
    expect(pointsOf(ordinary({ ...fresh, payments: windows([1, 3, 3, 3, 3, 3]) }), 'payments-in-10min')).toBe(0)
    expect(pointsOf(ordinary({ ...fresh, payments: windows(inTenMinutes(20)) }), 'payments-in-10min')).toBe(300)
  })

  test('beyond the table of tails are judged in proportion', () => {
    const busy = ordinary({ payments: windows([3, 5, 14, 4_000, 5_200, 10_000]), paymentsPerDayMilli: 200_000 })
    expect(pointsOf(busy, 'payments-in-1d')).toBe(200)
    expect(pointsOf({ ...busy, payments: windows([3, 5, 14, 230, 1_430, 6_000]) }, 'payments-in-1d')).toBe(0)
  })

  test('of a new account are no habit of it: its first day is held to the least rate', () => {
    const first = ordinary({ payments: windows([1, 3, 17, 400, 400, 400]), paymentsPerDayMilli: 399_000, historyMs: DAY_MS })
    expect(pointsOf(first, 'payments-in-1d')).toBe(200)
    const minuteLater = ordinary({ payments: windows([1, 3, 17, 400, 401, 401]), paymentsPerDayMilli: 400_000, historyMs: DAY_MS + 60_000 })
    expect(pointsOf(minuteLater, 'payments-in-1d')).toBe(200)
  })

  test('of an account that has paid so often for days are no burst', () => {
    const shop = ordinary({ payments: windows([1, 1, 4, 60, 240, 240]), paymentsPerDayMilli: 60_000, historyMs: 4 * DAY_MS })
    expect(pointsOf(shop, 'payments-in-1d')).toBe(0)
  })

  test('tell their window, the rate that they are judged by and whether the count is exact', () => {
    const burst = ordinary({ payments: { ...windows(inTenMinutes(20)), exact: [true, false, true, true, true, true] } })
    const signal = decide(burst).signals.find((one) => one.code === 'payments-in-10min')
    expect(signal).toMatchObject({ threshold: { value: 20, unit: 'count' }, historyCount: 20 })
    expect(signal!.features[0]).toEqual({
      name: 'payments-count',
      value: 20,
      unit: 'count',
      exact: false,
      fromMs: burst.eventTimeMs - 600_000,
      toMs: burst.eventTimeMs,
    })
    expect(signal!.features[1]).toMatchObject({ name: 'expected-per-day', value: 1_000 })
  })
})

test.each([
  [5, 0],
  [6, 60],
  [10, 200],
  [20, 450],
])('%d small payments in ten minutes earn %d points', (count, points) => {
  expect(pointsOf(ordinary({ smallPayments: windows(inTenMinutes(count)) }), 'small-payments-in-10min')).toBe(points)
})

test.each([
  [11, 0],
  [12, 60],
  [20, 200],
  [64, 350],
])('%d distinct counterparties in an hour earn %d points; 64 are at least 64', (count, points) => {
  const features = ordinary({ distinctCounterparties1h: count })
  expect(pointsOf(features, 'counterparties-in-1h')).toBe(points)
  if (points > 0) expect(decide(features).signals[0].features[0].exact).toBe(count < 64)
})

test('sums, instruments and devices have caps of their own', () => {
  expect(pointsOf(ordinary({ payments: windows([1, 1, 1, 1, 1, 1], [0, 0, 0, 1_999_999, 0, 0]) }), 'payment-sum-in-1d')).toBe(0)
  expect(pointsOf(ordinary({ payments: windows([1, 1, 1, 1, 1, 1], [0, 0, 0, 2_000_000, 0, 0]) }), 'payment-sum-in-1d')).toBe(20)
  expect(pointsOf(ordinary({ distinctInstruments1d: 3 }), 'instruments-in-1d')).toBe(0)
  expect(pointsOf(ordinary({ distinctInstruments1d: 4 }), 'instruments-in-1d')).toBe(60)
  expect(pointsOf(ordinary({ distinctDevices1d: 4 }), 'devices-in-1d')).toBe(60)
})

test('failed logins count at logins, up to a challenge', () => {
  expect(pointsOf(ordinaryLogin({ failedLogins: windows(inTenMinutes(3)) }), 'failed-logins-in-10min')).toBe(0)
  expect(decide(ordinaryLogin({ failedLogins: windows(inTenMinutes(10)) })).verdict).toBe('challenge')
})

test('trades count at trades only', () => {
  const trades = windows([2, 12, 12, 12, 12, 12])
  expect(pointsOf(ordinaryTrade({ trades }), 'trades-in-1h')).toBe(40)
  expect(pointsOf(ordinary({ trades }), 'trades-in-1h')).toBe(0)
})

test('an event past the grace has no windows to be judged by', () => {
  expect(pointsOf(ordinary({ late: true, payments: windows(inTenMinutes(40)) }), 'payments-in-10min')).toBe(0)
})

describe('the rate before a window', () => {
  /** The default policy with rules of a week and a month, and this half-life of habits. */
  function policyWith(halfLifeDays: number): ReturnType<typeof compilePolicy> {
    const text = readFileSync(join(__dirname, '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8')
    const rule = (window: string) =>
      `- { code: payments-in-${window}, events: payments, window: ${window}, onlyIfUnlikely: true, bands: [[20, 40], [100, 200]] }\n      `
    const longer = replaced(text, '- { code: payments-in-1d,', `${rule('30d')}${rule('7d')}- { code: payments-in-1d,`)
    const parsed = parsePolicy(replaced(longer, 'habitHalfLifeMs: 2592000000', `habitHalfLifeMs: ${halfLifeDays * DAY_MS}`))
    if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
    return compilePolicy(parsed.policy)
  }

  /** An account whose payments came so many days ago, and one now. */
  function paidBefore(daysAgo: readonly number[], historyDays: number, halfLifeDays: number): Features {
    const counts = [1 / 1440, 1 / 144, 1 / 24, 1, 7, 30].map((width) => 1 + daysAgo.filter((ago) => ago < width).length)
    const historyMs = historyDays * DAY_MS
    const weight = daysAgo.reduce((sum, ago) => sum + 2 ** (-ago / halfLifeDays), 0)
    const paymentsPerDayMilli = Math.round((1000 * weight) / exposureDays(historyMs, halfLifeDays * DAY_MS))
    return ordinary({ payments: windows(counts as unknown as SixCounts), paymentsPerDayMilli, historyMs })
  }

  function signalOf(features: Features, code: string, halfLifeDays: number) {
    const compiled = policyWith(halfLifeDays)
    const card = newScoreCard()
    score(features, compiled, card)
    return describeDecision(features, compiled, card).signals.find((signal) => signal.code === code)
  }

  const every = (days: number, overDays: number): number[] =>
    Array.from({ length: Math.floor(overDays / days) }, (_, i) => (i + 0.5) * days)

  test.each(['7d', '30d'])('is none where the account is younger than the %s', (window) => {
    const signal = signalOf(paidBefore(every(0.01, 2), 2, 30), `payments-in-${window}`, 30)
    expect(signal?.points).toBe(200)
    expect(signal?.features[1]).toMatchObject({ name: 'expected-per-day', value: 1_000 })
  })

  test('is little where an account that was silent for long pays often', () => {
    const features = paidBefore(every(0.02, 2), 60, 30)
    for (const window of ['7d', '30d']) expect(signalOf(features, `payments-in-${window}`, 30)?.points).toBe(200)
  })

  test.each([
    ['1d', 30],
    ['7d', 30],
    ['30d', 30],
    ['1d', 1],
    ['1d', 0.5],
    ['7d', 7],
  ])('is the usual one of an account that always pays as often (%s, half-life %d d)', (window, halfLifeDays) => {
    expect(signalOf(paidBefore(every(0.01, 400), 400, halfLifeDays), `payments-in-${window}`, halfLifeDays)).toBeUndefined()
    const burst = paidBefore([...every(0.01, 400), ...every(0.0005, 0.9)], 400, halfLifeDays)
    const signal = signalOf(burst, `payments-in-${window}`, halfLifeDays)
    expect(signal?.points).toBe(200)
  })

  test('is nothing that a window of many half-lives leaves to be known', () => {
    expect(signalOf(paidBefore(every(0.01, 400), 400, 1), 'payments-in-30d', 1)?.features[1].value).toBe(1_000)
  })

  test('leaves the event at hand out of the window only where rates count it', () => {
    const counts = { logins: windows([1, 30, 30, 30, 30, 30]), failedLogins: windows([1, 10, 10, 10, 10, 10]), loginsPerDayMilli: 5_000 }
    const rateAt = (outcome: string) => {
      const { signals } = decide(ordinaryLogin({ ...counts, outcome }))
      return signals.find((signal) => signal.code === 'logins-in-10min')!.features[1].value
    }
    const one = 1_000 / (exposureDays(180 * DAY_MS, 30 * DAY_MS) - 10 / 1440)
    expect(rateAt('success') - rateAt('failed')).toBeCloseTo(one, -1)
    expect(rateAt('blocked')).toBe(rateAt('failed'))
  })
})
