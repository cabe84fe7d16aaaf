import { counted, duration, explainSignal, grouped, money, percent, scaled } from './index'
import { HOUR_MS, NOON_MS, decide, merchant, ordinary, ordinaryLogin, windows } from './testing/made-features'

function sentence(features: Parameters<typeof decide>[0], code: string): string {
  const signal = decide(features).signals.find((one) => one.code === code)
  if (signal === undefined) throw new Error(`${code} did not fire`)
  return explainSignal(signal)
}

test('an amount is told with the habit it was held against', () => {
  const features = ordinary({ amountMinor: 300_000, habitDistanceCenti: 11_850, ratioToLargestPermille: 15_000 })
  expect(sentence(features, 'far-from-habit')).toBe(
    "$3,000.00 against a habit of $50.00 (mean of 200 legitimate payments); 118.5 standard deviations out; above the account's high percentile ($188.00) 16 times over",
  )
  expect(sentence(features, 'beyond-largest')).toBe('15 times the largest amount known to be legitimate')
})

test('a burst is told with its window and the rate that it was judged by', () => {
  const features = ordinary({ payments: windows([9, 41, 41, 41, 41, 41]), distinctCounterparties1h: 33 })
  expect(sentence(features, 'payments-in-10min')).toBe('41 payments in 10 min; expected rate 1 a day')
  expect(sentence(features, 'counterparties-in-1h')).toBe('33 distinct counterparties in 1 h')
})

test('a burst that was recorded with the usual rate is told with it', () => {
  const count = { name: 'payments-count', value: 41, unit: 'count', exact: true, fromMs: 0, toMs: 600_000, text: null }
  const rate = { ...count, name: 'usual-per-day', value: 361, unit: 'milli-events', fromMs: null, toMs: null }
  const signal = {
    detector: 'velocity',
    code: 'payments-in-10min',
    features: [count, rate],
    threshold: { value: 40, unit: 'count' },
    historyCount: 41,
  }
  expect(explainSignal(signal)).toBe('41 payments in 10 min; usual rate 0.361 a day')
})

test('an hour is told with its share', () => {
  const features = ordinary({ localHour: 2, hourSharePpm: 1_000 })
  expect(sentence(features, 'unusual-hour')).toBe("02h holds about 0.1 % of this account's 180 events")
  expect(sentence({ ...features, offsetSource: 'utc' }, 'unusual-hour')).toMatch(/local time not known: UTC/)
})

test('times of frauds are those of the payments, and none is 0 s ago', () => {
  const fraud = (agoMs: number) => ordinary({ counterparty: merchant({ fraudRegister: 1, lastKnownFraudMs: NOON_MS - agoMs }) })
  expect(sentence(fraud(HOUR_MS - 1), 'recent-fraud')).toBe("the counterparty's last payment known to be fraud was made less than 1 h ago")
  expect(sentence(fraud(5 * HOUR_MS), 'recent-fraud')).toBe("the counterparty's last payment known to be fraud was made 5 h ago")
  const device = { asOfMs: 0, firstSeenMs: 0, distinctAccounts: 1, lastKnownFraudMs: NOON_MS - HOUR_MS }
  expect(sentence(ordinary({ deviceFact: device }), 'device-of-fraud')).toBe(
    "the device's last payment known to be fraud was made less than 1 d ago",
  )
  const large = { amountMinor: 50_000, habitDistanceCenti: 900, ratioToLargestPermille: 2_000 }
  expect(sentence(ordinary({ ...large, msSinceLastKnownFraud: 1_800_000 }), 'after-known-fraud')).toBe(
    "the account's last payment known to be fraud was made less than 1 h ago",
  )
})

test('frauds that are over are told with their number and time, as far as the record holds them', () => {
  const over = merchant({ fraudRegister: 255, frauds7d: 8.5 * 65_536, lastKnownFraudMs: NOON_MS - 200 * HOUR_MS })
  expect(sentence(ordinary({ counterparty: over }), 'long-known-fraud')).toBe(
    'known frauds at this counterparty add up to 8.5 (each counts half after 7 d), the last of a payment made 8 d ago; it is likely repaired',
  )
  const features = [{ name: 'frauds-decayed-7d', value: 8_500, unit: 'milli-events', exact: true }]
  expect(explainSignal({ detector: 'counterparty-reputation', code: 'long-known-fraud', features, historyCount: 9 })).toBe(
    'known frauds at this counterparty add up to 8.5 (each counts half after 7 d); it is likely repaired',
  )
})

test('what is new is told as far as the account remembers', () => {
  const features = ordinaryLogin({ device: 'new', network: 'new', country: 'new' })
  expect(sentence(features, 'new-device')).toBe("a device that is none of the account's last 8 (it has 2 known devices)")
  expect(sentence(features, 'new-network')).toBe("a network that is none of the account's last 8 (residential)")
  expect(sentence(features, 'new-country')).toBe("a country that is none of the account's last 8 (GB)")
})

test('every signal that can fire has a sentence without gaps', () => {
  const everything = [
    ordinary({
      counterparty: merchant({
        fraudRegister: 3,
        frauds3d: 200_000,
        frauds7d: 600_000,
        lastKnownFraudMs: NOON_MS - HOUR_MS,
        tradesDisputed: 9,
        chargebacks: 4,
        counterfeitReports: 3,
        alertSeverity: 700,
      }),
    }),
    ordinary({
      deviceFact: { asOfMs: 0, firstSeenMs: 0, distinctAccounts: 64, lastKnownFraudMs: NOON_MS - HOUR_MS },
      payerNameMatch: 'mismatch',
      sessionDeviceDiffers: true,
      lastLoginBehaviourDistance: 900,
      lastLoginNewDevice: true,
    }),
    ordinaryLogin({
      device: 'new',
      network: 'new',
      country: 'new',
      behaviourDistance: 900,
      operatorLogRatioCentinats: 900,
      travelKm: 5_000,
      travelKmh: 2_000,
      countryCode: 'KP',
      networkClass: 'tor',
      countryChangedSinceLastLogin: true,
    }),
    ordinary({
      accountAlerts: { pep: 700 },
      eventAlerts: { payment: 500 },
      counterpartyAlerts: { other: 600 },
    }),
    ordinary({ livenessFailed1d: 2, livenessAbandoned1d: 3, livenessAttackKind: 'mask', livenessFaceMismatch: true }),
    ordinary({ livenessFailed1d: 2, livenessPassedAfterFailure: true }),
    ordinary({ knownLegitimateCount: 0, ratioToLargestPermille: -1, amountMinor: 90_000 }),
    ordinary({ knownLegitimateCount: 0, ratioToLargestPermille: -1, amountHabitMilliCount: 0, amountMinor: 900_000, counterparty: null }),
  ]
  for (const signal of everything.flatMap((features) => decide(features).signals)) {
    expect(explainSignal(signal)).toMatch(/^.{12,220}$/)
    expect(explainSignal(signal)).not.toMatch(/undefined|NaN|unknown amount|\(\)|  /)
    expect(explainSignal(signal)).not.toMatch(new RegExp(`^${signal.code}`))
  }
})

test('a signal of an unknown policy is told by code and numbers', () => {
  const signal = {
    detector: 'later',
    code: 'odd-thing',
    points: 3,
    historyCount: 0,
    features: [{ name: 'width', value: 1_234, unit: 'cm', exact: true }],
  }
  expect(explainSignal(signal)).toBe('odd-thing: width 1,234 cm')
})

test('numbers are spelt for people', () => {
  expect([money(300_000, 'USD'), money(-5, 'EUR'), money(1_250, 'CHF'), money(300, 'JPY')]).toEqual([
    '$3,000.00',
    '-€0.05',
    'CHF 12.50',
    'JPY 300',
  ])
  expect([money(3_000_000, 'KWD'), money(-12, 'TND'), money(300, 'UYI'), money(12_345, 'CLF')]).toEqual([
    'KWD 3,000.000',
    '-TND 0.012',
    'UYI 300',
    'CLF 1.2345',
  ])
  expect([grouped(1_234_567), counted(1, 'payment'), counted(1_204, 'payer'), scaled(1_250, 3), scaled(-5, 2), percent(125)]).toEqual([
    '1,234,567',
    '1 payment',
    '1,204 payers',
    '1.25',
    '-0.05',
    '12.5 %',
  ])
  expect([40_000, 720_000, 3 * HOUR_MS, 47 * HOUR_MS, 216 * HOUR_MS].map(duration)).toEqual(['40 s', '12 min', '3 h', '47 h', '9 d'])
})
