import { encodeLedgerJson } from '@riskledger/events'
import { DAY_MS, HOUR_MS, NOON_MS, decide, merchant, ordinary, ordinaryLogin, ordinaryTrade, windows } from './testing/made-features'

const NIGHT = { localHour: 2, hourSharePpm: 800, eventTimeMs: NOON_MS - 33_582_000 }

describe('case 1: $3,000 of electronics at 02:40 by an account of small daytime purchases', () => {
  const purchase = ordinary({
    ...NIGHT,
    amountMinor: 300_000,
    method: 'third-party',
    habitDistanceCenti: 11_800,
    ratioToLargestPermille: 15_000,
    counterparty: merchant({ counterfeitReports: 3, alertSeverity: 650 }),
  })

  test('goes to a person without any alert', () => {
    expect(decide(purchase).verdict).toBe('hold')
    expect(decide({ ...purchase, counterparty: merchant() }).reasonCodes.slice(0, 3)).toEqual([
      'far-from-habit',
      'large-amount-at-unusual-hour',
      'beyond-largest',
    ])
  })

  test("the wallet's alert weighs on top", () => {
    const clean = { ...purchase, counterparty: null }
    const alerted = decide({ ...clean, eventAlerts: { payment: 600 } })
    expect(alerted.signals).toContainEqual(expect.objectContaining({ code: 'event-alert', points: 90 }))
    expect(alerted.verdict).toBe('hold')
    expect(alerted.scorePoints).toBeGreaterThan(decide(clean).scorePoints)
  })

  test('by day its amount alone is a challenge; the night makes it a hold', () => {
    const byDay = decide({ ...purchase, localHour: 12, hourSharePpm: 90_000, counterparty: merchant() })
    expect(byDay.verdict).toBe('challenge')
    expect(decide({ ...purchase, counterparty: merchant() }).verdict).toBe('hold')
  })
})

describe('case 2: a stolen phone', () => {
  const thief = {
    behaviourDistance: 840,
    device: 'new',
    network: 'new',
    networkClass: 'hosting',
    operatorLogRatioCentinats: 2_500,
  } as const
  const after = {
    msSinceLastLogin: 180_000,
    lastLoginBehaviourDistance: 840,
    lastLoginNewDevice: true,
    lastLoginNewNetwork: true,
    networkClass: 'hosting',
  }

  test('its login is challenged', () => {
    expect(decide(ordinaryLogin(thief)).verdict).toBe('challenge')
  })

  test('a sale of twelve times the usual amount right after it goes to a person or stops', () => {
    const sale = ordinaryTrade({
      ...after,
      kind: 'sell',
      direction: 'credit',
      amountMinor: 60_000,
      populationPercentileMinor: 20_000,
      amountHabitMilliCount: 0,
      priceDeviationBasisPoints: -850,
    })
    expect(['challenge', 'hold', 'block']).toContain(decide(sale).verdict)
  })

  test('once a mask was held before the camera, the withdrawal is blocked', () => {
    const withdrawal = ordinary({
      ...after,
      kind: 'withdrawal',
      method: 'crypto',
      amountMinor: 75_000,
      habitDistanceCenti: 2_800,
      ratioToLargestPermille: 3_900,
      counterparty: null,
    })
    expect(['hold', 'block']).toContain(decide(withdrawal).verdict)
    const unmasked = decide({ ...withdrawal, livenessFailed1d: 1, livenessAttackKind: 'mask', livenessFaceMismatch: true })
    expect(unmasked.verdict).toBe('block')
    expect(unmasked.reasonCodes).toEqual(expect.arrayContaining(['liveness-attack', 'face-mismatch', 'login-from-new-device']))
  })
})

describe('case 3: dirty money', () => {
  const deal = ordinaryTrade({
    amountMinor: 220_000,
    payerNameMatch: 'mismatch',
    populationPercentileMinor: 220_000,
    amountHabitMilliCount: 0,
  })

  test("a buyer under another's name, with disputes behind him, is held", () => {
    const seller = decide({ ...deal, kind: 'sell', counterparty: merchant({ tradesCompleted: 2, tradesDisputed: 7, distinctPayers: 6 }) })
    expect(seller.verdict).toBe('hold')
    expect(seller.combinations).toEqual([{ code: 'foreign-payer-and-alert', points: 150, of: ['payer-name-mismatch', 'disputed-trades'] }])
  })

  test('so is one whose account is alerted for dirty funds', () => {
    expect(['hold', 'block']).toContain(decide({ ...deal, accountAlerts: { 'dirty-funds': 700 } }).verdict)
  })

  test("another's name alone is no more than a question", () => {
    expect(['allow', 'challenge']).toContain(decide(deal).verdict)
  })
})

describe('case 4: card testing, forty small payments in ten minutes over 33 merchants', () => {
  const nth = (n: number) =>
    ordinary({
      amountMinor: 299,
      habitDistanceCenti: -180,
      ratioToLargestPermille: 20,
      payments: windows([4, n, n, n + 1, n + 8, n + 39]),
      smallPayments: windows([4, n, n, n, n, n]),
      distinctCounterparties1h: Math.min(n, 33),
      distinctCounterparties1d: Math.min(n, 33),
      counterparty: null,
    })

  test('the first five pass, by the twelfth a person looks, by the twentieth it stops', () => {
    expect(decide(nth(5)).verdict).toBe('allow')
    expect(['hold', 'block']).toContain(decide(nth(12)).verdict)
    expect(decide(nth(20)).verdict).toBe('block')
    expect(decide(nth(40)).verdict).toBe('block')
  })
})

describe('case 5: what looks odd and is honest passes, or is asked at most', () => {
  test('an ordinary payment has no points at all', () => {
    expect(decide(ordinary())).toMatchObject({ verdict: 'allow', scorePoints: 0, signals: [], reasonCodes: [] })
    expect(decide(ordinaryLogin()).scorePoints).toBe(0)
  })

  test('the night worker at 02h', () => {
    expect(decide(ordinary({ ...NIGHT, hourSharePpm: 70_000 })).scorePoints).toBe(0)
  })

  test('one late purchase of a usual amount', () => {
    expect(decide(ordinary(NIGHT)).verdict).toBe('allow')
  })

  test('the monthly rent, thirty times the median but paid before', () => {
    const rent = ordinary({
      amountMinor: 150_000,
      kind: 'transfer',
      method: 'bank-transfer',
      habitDistanceCenti: 900,
      ratioToLargestPermille: 1_000,
    })
    expect(decide(rent).scorePoints).toBe(0)
  })

  test('the rent raised by a tenth is asked at most', () => {
    const raised = ordinary({ amountMinor: 165_000, habitDistanceCenti: 470, ratioToLargestPermille: 1_100 })
    expect(['allow', 'challenge']).toContain(decide(raised).verdict)
  })

  test('the traveller: another country, network and hour, the usual device and hand', () => {
    const away = {
      country: 'new',
      network: 'new',
      networkClass: 'mobile',
      countryChangedSinceLastLogin: true,
      networkChangedSinceLastLogin: true,
    } as const
    const login = ordinaryLogin({ ...away, countryCode: 'JP', travelKmh: 640, travelKm: 9_500, operatorLogRatioCentinats: 1_400 })
    expect(decide(login).verdict).toBe('allow')
    expect(decide(ordinary({ ...away, countryCode: 'JP', hourSharePpm: 30_000, lastLoginNewNetwork: true })).verdict).toBe('allow')
  })

  test('the new phone: new device, the usual hand', () => {
    const login = ordinaryLogin({ device: 'new', network: 'known', behaviourDistance: 160, operatorLogRatioCentinats: 2_200 })
    expect(decide(login).verdict).toBe('allow')
    expect(decide(ordinary({ device: 'new', lastLoginNewDevice: true, lastLoginBehaviourDistance: 160 })).verdict).toBe('allow')
  })

  test('the payday spree: seven purchases in two hours', () => {
    const spree = ordinary({
      amountMinor: 7_300,
      habitDistanceCenti: 130,
      ratioToLargestPermille: 900,
      payments: windows([1, 1, 4, 8, 15, 46]),
      distinctCounterparties1h: 4,
    })
    expect(decide(spree).verdict).toBe('allow')
  })

  test('the first day of a new account', () => {
    const first = ordinary({
      amountMinor: 9_000,
      amountHabitMilliCount: 0,
      knownLegitimateCount: 0,
      ratioToLargestPermille: -1,
      hourHabitMilliCount: 0,
      paymentsPerDayMilli: 0,
      device: 'new',
      knownDeviceCount: 0,
      loginHabitCount: 0,
      network: 'new',
      country: 'new',
      payments: windows([1, 2, 3, 3, 3, 3]),
      counterparty: null,
    })
    expect(decide(first).verdict).toBe('allow')
  })
})

test('case 6: a login from a prohibited region behind a VPN is challenged at least', () => {
  const login = ordinaryLogin({ countryCode: 'KP', networkClass: 'vpn', country: 'new' })
  expect(['challenge', 'hold', 'block']).toContain(decide(login).verdict)
  expect(decide(login).reasonCodes[0]).toBe('prohibited-region')
})

test('a decision fits the ledger and stays small', () => {
  const decision = decide(
    ordinary({
      ...NIGHT,
      amountMinor: 300_000,
      habitDistanceCenti: 11_800,
      ratioToLargestPermille: 15_000,
      msSinceLastKnownFraud: 8 * DAY_MS + HOUR_MS,
    }),
  )
  const bytes = encodeLedgerJson('DecisionMade', {
    ...decision,
    decisionId: '00000000-0000-4000-8000-000000000001',
    sequence: 1,
    eventId: '00000000-0000-4000-8000-000000000002',
    accountId: 'a-1',
    eventTimeMs: NOON_MS,
    subject: { topic: 'payments', businessId: 'p-1' },
    facts: [],
    ladderBefore: 'none',
    ladderAfter: 'none',
  })
  expect(bytes.length).toBeLessThan(2_500)
  expect(decision.signals.map((signal) => signal.points)).toEqual(
    [...decision.signals.map((signal) => signal.points)].sort((a, b) => b - a),
  )
})
