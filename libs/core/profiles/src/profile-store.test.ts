import type { EventTopic } from '@riskledger/contracts'
import type { Payment, RawEvents } from '@riskledger/events'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import fc from 'fast-check'
import type { Features } from './features'
import { DEFAULT_PROFILE_OPTIONS, type ProfileOptions } from './profile-options'
import { ProfileStore } from './profile-store'
import { DAY, HOUR, MINUTE, NOON, alert, liveness, login, outcome, payment, profile, trade } from '@riskledger/relations/src/testing/events'
import { NaiveProfiles } from './testing/naive-profiles'

const facts = { counterparty: () => undefined, device: () => undefined }

function see<T extends EventTopic>(store: ProfileStore, topic: T, event: RawEvents[T], late = false): Features {
  if (!late) store.advance(event.eventTimeMs)
  return store.observe(topic, viewOf(topic, event), { late, facts })!
}

function fresh(more: Partial<ProfileOptions> = {}): ProfileStore {
  return new ProfileStore({ ...DEFAULT_PROFILE_OPTIONS, ...more })
}

function restored(store: ProfileStore, more: Partial<ProfileOptions> = {}): ProfileStore {
  const writer = new ByteWriter()
  store.writeSnapshot(writer)
  const copy = fresh(more)
  copy.readSnapshot(new ByteReader(writer.finish()))
  return copy
}

const steps = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 * HOUR }), fc.integer({ min: DAY, max: 9 * DAY }), fc.constant(7 * DAY)),
    backMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: HOUR - 1 }) }),
    account: fc.constantFrom('a', 'b', 'c'),
    counterparty: fc.constantFrom('x', 'y', 'z'),
    amount: fc.integer({ min: 1, max: 1_000_000 }),
    label: fc.option(fc.record({ which: fc.nat(30), label: fc.constantFrom('fraud' as const, 'legitimate' as const) }), { freq: 3 }),
  }),
  { minLength: 1, maxLength: 60 },
)

describe('windows and known labels', () => {
  test('equal what going through plain lists gives, with late and equal times, and labels early and late', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let store = fresh({ labelMemoryMs: 3650 * DAY })
        const naive = new NaiveProfiles()
        const seen: Payment[] = []
        const corrected = new Set<string>()
        let nowMs = NOON
        for (const step of list) {
          nowMs += step.gapMs
          const one = payment(nowMs - step.backMs, {
            accountId: step.account,
            counterpartyId: step.counterparty,
            amountReferenceMinor: step.amount,
          })
          store.advance(nowMs)
          naive.advance(nowMs)
          const features = store.observe('payments', viewOf('payments', one), { late: false, facts })!
          const expected = naive.observe(one)
          expect({
            counts: [...features.payments.counts],
            sumsMinor: [...features.payments.sumsMinor],
            distinctCounterparties1h: features.distinctCounterparties1h,
            distinctCounterparties1d: features.distinctCounterparties1d,
            knownLegitimateCount: features.knownLegitimateCount,
            knownLegitimateMeanMinor: features.knownLegitimateMeanMinor,
            ratioToLargestPermille: corrected.has(step.account) ? expected.ratioToLargestPermille : features.ratioToLargestPermille,
            pendingEvidencePermille: features.pendingEvidencePermille,
            msSinceLastKnownFraud: features.msSinceLastKnownFraud,
            firstContact: features.firstContact,
          }).toEqual(expected)
          seen.push(one)
          if (step.label === null) continue
          const subject = seen[step.label.which % seen.length]
          corrected.add(subject.accountId)
          const label = outcome(nowMs, subject, { label: step.label.label })
          store.observe('outcomes', viewOf('outcomes', label), { late: false, facts })
          naive.outcome(label)
          if (step.label.which === 0) {
            const writer = new ByteWriter()
            store.writeSnapshot(writer)
            store = fresh({ labelMemoryMs: 3650 * DAY })
            store.readSnapshot(new ByteReader(writer.finish()))
          }
        }
      }),
      { numRuns: 80 },
    )
  }, 30_000)

  test('an amount is judged by sums as much as it enters them: who always pays much is not far from habit', () => {
    const store = fresh()
    const paysMuch = (timeMs: number, more = 0) => payment(timeMs, { amountReferenceMinor: 5_000_000_000_000 + more })
    for (let day = 0; day < 10; day++) see(store, 'payments', paysMuch(NOON + day * DAY))
    const features = see(store, 'payments', paysMuch(NOON + 20 * DAY, 50_000_000_000))
    expect(features).toMatchObject({ amountMinor: 5_050_000_000_000, habitDistanceCenti: 0, ratioToLargestPermille: 1010 })
    expect(see(store, 'payments', paysMuch(NOON + 20 * DAY + 1)).pendingEvidencePermille).toBe(1000)
  })

  test('rates are numbers for an event as many half-lives behind as a policy lets one be', () => {
    const store = fresh({ habitHalfLifeMs: HOUR / 64 })
    for (const timeMs of [NOON, NOON + 30 * MINUTE, NOON + HOUR]) see(store, 'payments', payment(timeMs))
    const { paymentsPerDayMilli, hourHabitMilliCount, hourSharePpm } = see(store, 'payments', payment(NOON))
    for (const value of [paymentsPerDayMilli, hourHabitMilliCount, hourSharePpm]) expect(value).toBeGreaterThan(0)
  })

  test('an outcome at exactly the end of the delay comes before the legitimate expiry', () => {
    const store = fresh()
    const one = payment(NOON)
    see(store, 'payments', one)
    store.advance(NOON + 7 * DAY)
    store.observe('outcomes', viewOf('outcomes', outcome(NOON + 7 * DAY, one)), { late: false, facts })
    const features = see(store, 'payments', payment(NOON + 7 * DAY + 1))
    expect(features.knownLegitimateCount).toBe(0)
    expect(features.msSinceLastKnownFraud).toBe(7 * DAY + 1)
  })

  test('a fraud reported after the expiry is taken back out of the habit, and its distance is told', () => {
    const store = fresh()
    for (let day = 0; day < 10; day++) see(store, 'payments', payment(NOON + day * DAY, { amountReferenceMinor: 5000 }))
    const odd = payment(NOON + 17 * DAY, { amountReferenceMinor: 100_000 })
    const distance = see(store, 'payments', odd).habitDistanceCenti
    expect(distance).toBeGreaterThan(10_000)
    expect(see(store, 'payments', payment(NOON + 25 * DAY)).knownLegitimateCount).toBe(11)
    see(store, 'outcomes', outcome(NOON + 25 * DAY, odd))
    expect(store.lastOutcomeHabitDistanceCenti).toBe(distance)
    const after = see(store, 'payments', payment(NOON + 25 * DAY + 1))
    expect([after.knownLegitimateCount, after.knownLegitimateMeanMinor, after.ratioToLargestPermille]).toEqual([10, 5000, 1000])
  })

  test('the earlier outcome wins, and one about an unknown payment is counted', () => {
    const store = fresh()
    const one = payment(NOON)
    see(store, 'payments', one)
    see(store, 'outcomes', outcome(NOON + HOUR, one, { label: 'false-positive' }))
    see(store, 'outcomes', outcome(NOON + 2 * HOUR, one))
    expect(see(store, 'payments', payment(NOON + DAY)).msSinceLastKnownFraud).toBe(-1)
    see(store, 'outcomes', outcome(NOON + DAY, payment(NOON - DAY)))
    expect(store.lastOutcomeHabitDistanceCenti).toBeNull()
    expect(store.counters).toMatchObject({ outcomesSuperseded: 1, outcomesUnmatched: 1 })
  })

  test('an outcome with another account or another time matches nothing', () => {
    const store = fresh()
    const one = payment(NOON)
    see(store, 'payments', one)
    see(store, 'outcomes', { ...outcome(NOON, one), accountId: 'b' })
    see(store, 'outcomes', outcome(NOON, one, { subjectEventTimeMs: NOON - 1 }))
    expect(store.counters.outcomesUnmatched).toBe(2)
  })

  test('phases of one payment are counted once; refunds and cancellations not at all', () => {
    const store = fresh()
    see(store, 'payments', payment(NOON, { paymentId: 'p', phase: 'authorised' }))
    expect(see(store, 'payments', payment(NOON + 1, { paymentId: 'p', phase: 'settled' })).payments.counts[0]).toBe(1)
    expect(see(store, 'payments', payment(NOON + 2, { kind: 'refund' })).payments.counts[0]).toBe(1)
    expect(see(store, 'payments', payment(NOON + 3, { phase: 'cancelled' })).payments.counts[0]).toBe(1)
  })

  test('a trade and a payment of the same id are two things', () => {
    const store = fresh()
    see(store, 'p2p-trades', trade(NOON, { tradeId: 'order-1' }))
    expect(see(store, 'payments', payment(NOON + 1, { paymentId: 'order-1' })).payments.counts[0]).toBe(1)
    expect(see(store, 'payments', payment(NOON + 2, { paymentId: 'order-1' })).payments.counts[0]).toBe(1)
    expect(see(store, 'p2p-trades', trade(NOON + 3, { tradeId: 'order-1' })).trades.counts[0]).toBe(1)
  })

  test('a payment is no evidence against its own later phases; others and those of the same id in trade are', () => {
    const store = fresh()
    for (let day = 0; day < 6; day++) see(store, 'payments', payment(NOON + day * DAY, { amountReferenceMinor: 5000 }))
    const atMs = NOON + 20 * DAY
    const pendingOf = (ms: number, more: Partial<Payment>): number =>
      see(store, 'payments', payment(atMs + ms, more)).pendingEvidencePermille
    expect(pendingOf(0, { paymentId: 'p', amountReferenceMinor: 25_000, phase: 'authorised' })).toBe(-1)
    expect(pendingOf(1, { paymentId: 'p', amountReferenceMinor: 25_000, phase: 'settled' })).toBe(-1)
    expect(pendingOf(2, { paymentId: 'q', amountReferenceMinor: 10_000 })).toBe(5000)
    expect(pendingOf(3, { paymentId: 'p', amountReferenceMinor: 25_000, phase: 'settled' })).toBe(2000)
    expect(see(store, 'p2p-trades', trade(atMs + 4, { tradeId: 'p' })).pendingEvidencePermille).toBe(5000)
  })

  test('the largest amount there is leaves no trace once it is known to be a fraud', () => {
    const distanceAfter = (amounts: readonly number[]): number => {
      const store = fresh()
      for (let i = 0; i < 20; i++) see(store, 'payments', payment(NOON + i, { accountId: `u${i}`, amountReferenceMinor: 4000 + 100 * i }))
      const large = amounts.map((amountReferenceMinor) => payment(NOON + 100, { accountId: 'large', amountReferenceMinor }))
      for (const one of large) see(store, 'payments', one)
      store.advance(NOON + 8 * DAY)
      for (const one of large) see(store, 'outcomes', outcome(NOON + 8 * DAY, one))
      return see(store, 'payments', payment(NOON + 8 * DAY, { accountId: 'new', amountReferenceMinor: 1_000_000 })).habitDistanceCenti
    }
    expect(distanceAfter([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 2])).toBe(distanceAfter([]))
  })

  test('at the limit of payments remembered the oldest makes room for the next, and nothing else makes it go', () => {
    const options = { maxRemembered: 3 }
    const full = (): ProfileStore => {
      const store = fresh(options)
      for (let day = 0; day < 3; day++) see(store, 'payments', payment(NOON + day * DAY))
      return store
    }
    const knownAfter = (store: ProfileStore): number => see(store, 'payments', payment(NOON + 7 * DAY + HOUR)).knownLegitimateCount
    const hashed = full()
    hashed.canonicalHash(NOON + 2 * DAY)
    const advanced = full()
    for (let hour = 0; hour < 9; hour++) advanced.advance(NOON + 2 * DAY + hour * HOUR)
    expect([full(), hashed, advanced, restored(full(), options)].map(knownAfter)).toEqual([1, 1, 1, 1])
    const beyond = full()
    see(beyond, 'payments', payment(NOON + 3 * DAY))
    expect(knownAfter(beyond)).toBe(0)
  })
})

describe('an event later than the grace', () => {
  test('changes nothing and sees no window', () => {
    const store = fresh()
    see(store, 'payments', payment(NOON))
    const before = store.canonicalHash(NOON)
    const features = see(store, 'payments', payment(NOON - 2 * HOUR, { amountReferenceMinor: 9 }), true)
    expect([features.late, features.amountMinor, features.payments.counts[5], features.historyMs]).toEqual([true, 9, 0, -1])
    expect(store.canonicalHash(NOON)).toEqual(before)
  })
})

describe('habits', () => {
  test('of amount: the median is that of the account, the percentile leans on the population until there is enough', () => {
    const store = fresh()
    for (let day = 0; day < 60; day++) {
      see(store, 'payments', payment(NOON + day * DAY, { amountReferenceMinor: 2000 + (day % 7) * 100 }))
      see(store, 'payments', payment(NOON + day * DAY, { accountId: 'rich', amountReferenceMinor: 200_000 }))
    }
    const features = see(store, 'payments', payment(NOON + 60 * DAY, { amountReferenceMinor: 2300 }))
    expect(features.amountMedianMinor).toBeGreaterThan(1900)
    expect(features.amountMedianMinor).toBeLessThan(2700)
    const newcomer = see(store, 'payments', payment(NOON + 60 * DAY, { accountId: 'new' }))
    expect(newcomer.amountHabitMilliCount).toBe(0)
    expect(newcomer.amountPercentileMinor).toBe(newcomer.populationPercentileMinor)
    expect(newcomer.populationPercentileMinor).toBeGreaterThan(150_000)
  })

  test('of hour: two-peaked habits hold, and a strange hour has a small share', () => {
    const store = fresh()
    for (let day = 0; day < 60; day++) {
      for (const hour of [9, 19])
        see(store, 'payments', payment(NOON + day * DAY + (hour - 12) * HOUR + 20 * HOUR, { utcOffsetMinutes: 240 }))
    }
    const at = (hours: number): number =>
      see(store, 'payments', payment(NOON + 70 * DAY + hours * HOUR, { utcOffsetMinutes: 0 })).hourSharePpm
    expect(at(-3)).toBeGreaterThan(150_000)
    expect(at(7)).toBeGreaterThan(150_000)
    expect(at(14)).toBeLessThan(30_000)
  })

  test('of rate: about the true number a day, also for a young account', () => {
    const store = fresh()
    for (let i = 0; i < 4 * 5; i++) see(store, 'payments', payment(NOON + i * 6 * HOUR))
    const features = see(store, 'payments', payment(NOON + 5 * DAY))
    expect(features.paymentsPerDayMilli).toBeGreaterThan(3700)
    expect(features.paymentsPerDayMilli).toBeLessThan(4400)
    const later = see(store, 'payments', payment(NOON + 2000 * DAY))
    expect(later.paymentsPerDayMilli).toBe(0)
  })

  test('the offset comes from the event, else the profile, else it is UTC, and that is said', () => {
    const store = fresh()
    expect(see(store, 'payments', payment(NOON))).toMatchObject({ localHour: 12, offsetSource: 'utc', kycLevel: -1 })
    see(store, 'account-profiles', profile(NOON))
    expect(see(store, 'payments', payment(NOON))).toMatchObject({
      localHour: 13,
      offsetSource: 'profile',
      kycLevel: 2,
      residenceCountry: 'DE',
      accountAgeMs: 10 * DAY,
    })
    expect(see(store, 'payments', payment(NOON, { utcOffsetMinutes: -13 * 60 }))).toMatchObject({ localHour: 23, offsetSource: 'event' })
  })
})

describe('devices and places', () => {
  function withHabit(): ProfileStore {
    const store = fresh()
    for (let day = 0; day < 20; day++) see(store, 'logins', login(NOON + day * DAY))
    return store
  }

  test('the usual login is known and likely, a stranger is new and unlikely', () => {
    const store = withHabit()
    const usual = see(store, 'logins', login(NOON + 20 * DAY))
    expect(usual).toMatchObject({
      device: 'known',
      network: 'known',
      country: 'known',
      knownDeviceCount: 1,
      loginHabitCount: 20,
      deviceAgeMs: 20 * DAY,
    })
    expect(usual.operatorLogRatioCentinats).toBeLessThanOrEqual(0)
    const stranger = see(
      store,
      'logins',
      login(NOON + 20 * DAY + HOUR, {
        outcome: 'failed',
        deviceId: 'other',
        ipToken: 'i',
        ipPrefixToken: 'n',
        asn: 1,
        countryCode: 'KR',
        osToken: 'o',
        latitudeCentidegrees: 3757,
        longitudeCentidegrees: 12698,
      }),
    )
    expect(stranger).toMatchObject({
      device: 'new',
      network: 'new',
      country: 'new',
      networkChangedSinceLastLogin: true,
      countryChangedSinceLastLogin: true,
    })
    expect(stranger.operatorLogRatioCentinats).toBeGreaterThan(600)
    expect(stranger.travelKm).toBeGreaterThan(8000)
    expect(stranger.travelKm).toBeLessThan(8300)
    expect(stranger.travelKmh).toBe(stranger.travelKm)
    expect(stranger.failedLogins.counts[2]).toBe(1)
    expect(see(store, 'logins', login(NOON + 20 * DAY + 2 * HOUR, { deviceId: 'other' })).device).toBe('new')
  })

  test('a new address alone says little about somebody whose address always changes', () => {
    const store = fresh()
    for (let day = 0; day < 20; day++) see(store, 'logins', login(NOON + day * DAY, { ipToken: `ip-${day}` }))
    expect(see(store, 'logins', login(NOON + 21 * DAY, { ipToken: 'another' })).operatorLogRatioCentinats).toBeLessThan(50)
  })

  test('a payment in a session from another device is told, and a payment teaches its device', () => {
    const store = withHabit()
    see(store, 'logins', login(NOON + 20 * DAY, { sessionId: 'open', behaviourDistance: 900 }))
    expect(see(store, 'payments', payment(NOON + 20 * DAY + 1, { sessionId: 'open', deviceId: 'phone' }))).toMatchObject({
      sessionDeviceDiffers: false,
      device: 'known',
    })
    const odd = see(store, 'payments', payment(NOON + 20 * DAY + 2, { sessionId: 'open', deviceId: 'laptop', networkClass: 'vpn' }))
    expect(odd).toMatchObject({
      sessionDeviceDiffers: true,
      device: 'new',
      networkChangedSinceLastLogin: true,
      lastLoginBehaviourDistance: 900,
      msSinceLastLogin: 2,
    })
    expect(see(store, 'payments', payment(NOON + 21 * DAY, { deviceId: 'laptop' })).device).toBe('known')
  })

  test('the ninth device pushes out the one used longest ago, and that is bounded memory', () => {
    const store = fresh()
    for (let i = 0; i < 9; i++) see(store, 'payments', payment(NOON + i, { deviceId: `d${i}` }))
    expect(see(store, 'payments', payment(NOON + 10, { deviceId: 'd1' })).device).toBe('known')
    expect(see(store, 'payments', payment(NOON + 11, { deviceId: 'd0' })).device).toBe('new')
  })
})

describe('reports', () => {
  test('an alert is about its event, its counterparty or the account; a clear by the same provider ends it, and it expires', () => {
    const store = fresh()
    const one = payment(NOON + 2)
    see(store, 'risk-alerts', alert(NOON, { severity: 300 }))
    see(store, 'risk-alerts', alert(NOON, { severity: 400, counterpartyId: 'shop', kind: 'counterfeit' }))
    see(store, 'risk-alerts', alert(NOON, { severity: 700, subjectEventId: one.eventId }))
    expect(see(store, 'payments', one)).toMatchObject({
      accountAlerts: { payment: 300 },
      counterpartyAlerts: { counterfeit: 400 },
      eventAlerts: { payment: 700 },
    })
    see(store, 'risk-alerts', alert(NOON + 3, { result: 'clear', provider: 'another' }))
    expect(see(store, 'payments', payment(NOON + 4, { counterpartyId: 'else' }))).toMatchObject({
      accountAlerts: { payment: 300 },
      counterpartyAlerts: {},
      eventAlerts: {},
    })
    see(store, 'risk-alerts', alert(NOON + 5, { result: 'clear' }))
    expect(see(store, 'payments', payment(NOON + 6)).accountAlerts).toEqual({})
    expect(see(store, 'payments', payment(NOON + 31 * DAY)).counterpartyAlerts).toEqual({})
  })

  test('an event later than the grace is judged by them too, a login as a payment', () => {
    const store = fresh()
    see(store, 'risk-alerts', alert(NOON, { severity: 300 }))
    expect(see(store, 'payments', payment(NOON + 1), true).accountAlerts).toEqual({ payment: 300 })
    expect(see(store, 'logins', login(NOON + 1), true).accountAlerts).toEqual({ payment: 300 })
  })

  test('liveness: failures of the day, the last attack of the week, a pass after a failure', () => {
    const store = fresh()
    see(store, 'liveness-results', liveness(NOON, { attackKind: 'mask', faceMatch: 'mismatch' }))
    see(store, 'liveness-results', liveness(NOON + HOUR, { outcome: 'abandoned' }))
    expect(see(store, 'payments', payment(NOON + 2 * HOUR))).toMatchObject({
      livenessFailed1d: 1,
      livenessAbandoned1d: 1,
      livenessAttackKind: 'mask',
      livenessFaceMismatch: true,
      livenessPassedAfterFailure: false,
    })
    see(store, 'liveness-results', liveness(NOON + 3 * HOUR, { outcome: 'passed' }))
    expect(see(store, 'payments', payment(NOON + 4 * HOUR)).livenessPassedAfterFailure).toBe(true)
    expect(see(store, 'payments', payment(NOON + 2 * DAY))).toMatchObject({ livenessFailed1d: 0, livenessAttackKind: 'mask' })
    expect(see(store, 'payments', payment(NOON + 8 * DAY)).livenessAttackKind).toBe('none')
  })
})

describe('state', () => {
  function lively(): ProfileStore {
    const store = fresh()
    for (let day = 0; day < 40; day++) {
      for (const accountId of ['a', 'b', 'c']) {
        see(store, 'logins', login(NOON + day * DAY, { accountId, ipToken: `ip-${day % 3}` }))
        const one = payment(NOON + day * DAY + MINUTE, {
          accountId,
          amountReferenceMinor: 1000 + day * 10,
          counterpartyId: `shop-${day % 5}`,
          deviceId: 'phone',
        })
        see(store, 'payments', one)
        see(store, 'p2p-trades', trade(NOON + day * DAY + 2 * MINUTE, { accountId }))
        if (day % 9 === 0) see(store, 'outcomes', outcome(NOON + day * DAY + 3 * MINUTE, one))
      }
      if (day % 10 === 0) see(store, 'risk-alerts', alert(NOON + day * DAY + HOUR, { accountId: 'b' }))
      if (day % 11 === 0) see(store, 'liveness-results', liveness(NOON + day * DAY + HOUR, { accountId: 'c' }))
    }
    see(store, 'account-profiles', profile(NOON + 40 * DAY))
    return store
  }

  test('survives a snapshot: same hash, same features from then on', () => {
    const store = lively()
    const copy = restored(store)
    const atMs = NOON + 41 * DAY
    expect(copy.canonicalHash(atMs)).toEqual(store.canonicalHash(atMs))
    for (let i = 0; i < 20; i++) {
      const next = payment(NOON + (41 + i) * DAY, {
        accountId: i % 2 === 0 ? 'a' : 'new',
        amountReferenceMinor: 500 * (i + 1),
        deviceId: 'phone',
      })
      expect({ ...see(copy, 'payments', next) }).toEqual({ ...see(store, 'payments', next) })
    }
    expect(copy.canonicalHash(NOON + 70 * DAY)).toEqual(store.canonicalHash(NOON + 70 * DAY))
  })

  test('hashes alike whenever time was let pass, and whatever the order in which accounts were first seen', () => {
    const events = Array.from({ length: 30 }, (_, i) => payment(NOON + i * HOUR, { accountId: i % 2 === 0 ? 'a' : 'b' }))
    const run = (first: readonly string[], eager: boolean): Uint8Array => {
      const store = fresh()
      for (const accountId of first)
        see(store, 'account-profiles', profile(NOON, { accountId, eventId: '00000000-0000-4000-8000-000000000000' }))
      for (const event of events) {
        if (eager) for (let ms = event.eventTimeMs - HOUR; ms < event.eventTimeMs; ms += 10 * MINUTE) store.advance(ms)
        see(store, 'payments', event)
      }
      if (eager) for (let day = 2; day < 9; day++) store.advance(NOON + day * DAY)
      return store.canonicalHash(NOON + 9 * DAY)
    }
    expect(run(['a', 'b'], true)).toEqual(run(['b', 'a'], false))
  })

  test('another half-life keeps the weights of the day of the switch', () => {
    const store = fresh()
    for (let day = 0; day < 30; day++) see(store, 'payments', payment(NOON + day * DAY))
    const before = see(store, 'payments', payment(NOON + 30 * DAY, { kind: 'refund' })).amountHabitMilliCount
    store.configure({ ...DEFAULT_PROFILE_OPTIONS, habitHalfLifeMs: 5 * DAY })
    const after = see(store, 'payments', payment(NOON + 30 * DAY, { kind: 'refund' })).amountHabitMilliCount
    expect(Math.abs(after - before)).toBeLessThan(20)
    const later = see(store, 'payments', payment(NOON + 35 * DAY, { kind: 'refund' })).amountHabitMilliCount
    expect(Math.abs(later - before / 2)).toBeLessThan(20)
  })

  test('limits are counted: accounts, counterparties', () => {
    const store = fresh({ maxAccounts: 1 })
    see(store, 'payments', payment(NOON))
    expect(see(store, 'payments', payment(NOON, { accountId: 'b' })).payments.counts[0]).toBe(0)
    for (let i = 0; i < 70; i++) see(store, 'payments', payment(NOON + i, { counterpartyId: `c${i}` }))
    expect(store.counters).toMatchObject({ accountsRefused: 1, counterpartiesForgotten: 7 })
    expect(see(store, 'payments', payment(NOON + 100)).distinctCounterparties1h).toBe(64)
  })

  test('another limit of accounts holds from the switch on, and whoever is known stays', () => {
    const store = fresh({ maxAccounts: 1 })
    const countOf = (accountId: string): number => see(store, 'payments', payment(NOON, { accountId })).payments.counts[0]
    expect([countOf('a'), countOf('b')]).toEqual([1, 0])
    store.configure({ ...DEFAULT_PROFILE_OPTIONS, maxAccounts: 2 })
    expect([countOf('b'), countOf('c')]).toEqual([1, 0])
    store.configure({ ...DEFAULT_PROFILE_OPTIONS, maxAccounts: 1 })
    expect([countOf('b'), countOf('d')]).toEqual([2, 0])
    expect(store.accountCount).toBe(2)
  })

  test('damaged snapshots are refused by name', () => {
    const writer = new ByteWriter()
    lively().writeSnapshot(writer)
    const bytes = writer.finish().subarray(0, 5000)
    expect(() => fresh().readSnapshot(new ByteReader(bytes))).toThrow(expect.objectContaining({ code: 'snapshot-unusable' }))
  })
})
