import type { EventTopic } from '@riskledger/contracts'
import type { P2pTrade, RawEvents, RiskAlert } from '@riskledger/events'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import fc from 'fast-check'
import { DAY, HOUR, NOON, alert, login, outcome, payment, trade } from './testing/events'
import { decay, gridLines } from './decay'
import { decodeCounterpartyFact, decodeDeviceFact, encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import type { CounterpartyFact } from './facts'
import { DEFAULT_RELATIONS_OPTIONS, RelationsState, type RelationsInput } from './relations-state'

const ONE = 65536

type Told = { readonly topic: EventTopic; readonly event: RawEvents[EventTopic] } & Partial<Omit<RelationsInput, 'event'>>

function take(state: RelationsState, input: Told): void {
  const status = input.topic === 'payments' || input.topic === 'logins' || input.topic === 'p2p-trades' ? 'screened' : 'observed'
  const full = {
    status,
    habitDistanceCenti: null,
    streamTimeMs: input.event.eventTimeMs,
    ...input,
    event: viewOf(input.topic, input.event as never),
  } as RelationsInput
  state.advance(full.streamTimeMs)
  state.observe(full)
}

function shop(state: RelationsState, key = 'shop'): CounterpartyFact | undefined {
  const changed = state.takeChanged().filter((fact) => fact.kind === 'counterparty' && fact.key === key)
  return changed.length === 0 ? undefined : decodeCounterpartyFact(changed[0].value)
}

describe('decay', () => {
  test('halves over a half-life, in one step or in many', () => {
    const decayed = (value: number, fromMs: number, toMs: number): number => decay(value, gridLines(3 * DAY, fromMs, toMs))
    expect(decayed(100 * ONE, NOON, NOON + 3 * DAY)).toBe(50 * ONE)
    expect(decayed(100 * ONE, NOON, NOON + 30 * DAY)).toBe(Math.round((100 * ONE) / 1024))
    let value = 100 * ONE
    for (let minute = 0; minute < 3 * 24 * 60; minute++) value = decayed(value, NOON + minute * 60_000, NOON + (minute + 1) * 60_000)
    expect(Math.abs(value - 50 * ONE)).toBeLessThan(300)
    expect(decayed(ONE, 0, 3650 * DAY)).toBe(0)
  })
})

describe('a counterparty', () => {
  test('becomes known legitimate strictly after the delay, as of its end', () => {
    const state = new RelationsState()
    take(state, { topic: 'payments', event: payment(NOON) })
    expect(shop(state)).toMatchObject({ paymentCount: 1, distinctPayers: 1, fraudRegisterLength: 0, lastKnownLegitimateMs: -1 })
    state.advance(NOON + 7 * DAY)
    expect(shop(state)).toBeUndefined()
    state.advance(NOON + 9 * DAY)
    expect(shop(state)).toMatchObject({
      asOfMs: NOON + 7 * DAY,
      known3d: ONE,
      known7d: ONE,
      fraudRegisterLength: 1,
      fraudRegister: 0,
      lastKnownLegitimateMs: NOON,
      legitimateTotal: 1,
    })
  })

  test.each([
    [250, ONE],
    [251, 0],
    [null, 0],
  ])('is blamed for a fraud %s hundredths from habit with %s', (habitDistanceCenti, blame) => {
    const state = new RelationsState()
    const one = payment(NOON)
    take(state, { topic: 'payments', event: one })
    take(state, { topic: 'outcomes', event: outcome(NOON + DAY, one), habitDistanceCenti })
    expect(shop(state)).toMatchObject({
      frauds3d: blame,
      frauds7d: blame,
      known3d: ONE,
      fraudTotal: 1,
      fraudRegister: 1,
      fraudRegisterLength: 1,
      lastKnownFraudMs: NOON,
    })
    state.advance(NOON + 30 * DAY)
    expect(shop(state)).toBeUndefined()
  })

  test('is always blamed for counterfeits; chargebacks are counted apart', () => {
    const state = new RelationsState()
    const [one, two] = [payment(NOON), payment(NOON + 1)]
    take(state, { topic: 'payments', event: one })
    take(state, { topic: 'payments', event: two })
    take(state, { topic: 'outcomes', event: outcome(NOON + DAY, one, { label: 'counterfeit' }) })
    take(state, { topic: 'outcomes', event: outcome(NOON + DAY, two, { label: 'chargeback' }) })
    expect(shop(state)).toMatchObject({ frauds7d: ONE, counterfeitReports: 1, chargebacks: 1, fraudTotal: 2, fraudRegister: 3 })
  })

  test('a fraud reported after the delay corrects the totals; the earlier outcome wins', () => {
    const state = new RelationsState()
    const one = payment(NOON)
    take(state, { topic: 'payments', event: one })
    take(state, { topic: 'outcomes', event: outcome(NOON + 8 * DAY, one), habitDistanceCenti: 0 })
    expect(shop(state)).toMatchObject({ legitimateTotal: 0, fraudTotal: 1, fraudRegister: 1, fraudRegisterLength: 2, frauds7d: ONE })
    take(state, { topic: 'outcomes', event: outcome(NOON + 9 * DAY, one, { label: 'legitimate' }) })
    expect(shop(state)).toBeUndefined()
    expect(state.counters.outcomesSuperseded).toBe(1)
  })

  test.each([8, 29])('a fraud that corrects after %s days is one more known label: no rate is above one', (days) => {
    const state = new RelationsState()
    const one = payment(NOON)
    take(state, { topic: 'payments', event: one })
    take(state, { topic: 'outcomes', event: outcome(NOON + days * DAY, one), habitDistanceCenti: 0 })
    const fact = shop(state)!
    const decayedLabel = decay(ONE, gridLines(7 * DAY, NOON + 7 * DAY, NOON + days * DAY))
    expect(fact).toMatchObject({ frauds3d: ONE, frauds7d: ONE, known7d: ONE + decayedLabel, legitimateTotal: 0, fraudTotal: 1 })
    expect(fact.known3d).toBeGreaterThanOrEqual(fact.frauds3d)
  })

  test('an outcome whose payment is not remembered still counts against the counterparty that it names', () => {
    const state = new RelationsState()
    take(state, { topic: 'outcomes', event: outcome(NOON, payment(NOON - 90 * DAY), { label: 'chargeback' }) })
    expect(shop(state)).toMatchObject({ chargebacks: 1, fraudTotal: 1, paymentCount: 0 })
    expect(state.counters.outcomesUnmatched).toBe(1)
  })

  test('a payment at a well-known one changes its fact only when a count reaches a power of two', () => {
    const state = new RelationsState()
    const changes: number[] = []
    for (let i = 1; i <= 40; i++) {
      take(state, { topic: 'payments', event: payment(NOON + i) })
      const fact = shop(state)
      if (fact !== undefined) changes.push(fact.paymentCount)
    }
    expect(changes).toEqual([1, 2, 4, 8, 16, 32])
  })

  test('phases of one payment are one payment, refunds none, late payments none', () => {
    const state = new RelationsState()
    take(state, { topic: 'payments', event: payment(NOON, { paymentId: 'p', phase: 'authorised' }) })
    take(state, { topic: 'payments', event: payment(NOON + 1, { paymentId: 'p', phase: 'settled' }) })
    take(state, { topic: 'payments', event: payment(NOON + 2, { kind: 'refund' }) })
    take(state, { topic: 'payments', event: payment(NOON + 2), status: 'late' })
    expect(shop(state)).toMatchObject({ paymentCount: 1 })
  })

  test('trades: how they ended, each counted once', () => {
    const state = new RelationsState()
    for (const phase of ['opened', 'paid', 'disputed', 'cancelled', 'disputed', 'cancelled'] as const)
      take(state, { topic: 'p2p-trades', event: trade(NOON, { tradeId: 't', phase }) })
    take(state, { topic: 'p2p-trades', event: trade(NOON, { phase: 'completed', accountId: 'b' }) })
    expect(shop(state, 'trader')).toMatchObject({
      paymentCount: 2,
      distinctPayers: 2,
      tradesDisputed: 1,
      tradesCancelled: 1,
      tradesCompleted: 1,
    })
  })

  test('a trade whose end is told again changes nothing; one that is no longer remembered counts anew', () => {
    const state = new RelationsState()
    const end = (timeMs: number) =>
      take(state, { topic: 'p2p-trades', event: trade(timeMs, { tradeId: 't', phase: 'completed' }), streamTimeMs: timeMs })
    end(NOON)
    expect(shop(state, 'trader')).toMatchObject({ tradesCompleted: 1, paymentCount: 1 })
    end(NOON + HOUR)
    expect(shop(state, 'trader')).toBeUndefined()
    end(NOON + 31 * DAY)
    expect(shop(state, 'trader')).toMatchObject({ tradesCompleted: 2, paymentCount: 2 })
  })

  test('a payment and a trade with the same business id are two', () => {
    const state = new RelationsState()
    take(state, { topic: 'payments', event: payment(NOON, { paymentId: 'same', counterpartyId: 'trader' }) })
    take(state, { topic: 'p2p-trades', event: trade(NOON, { tradeId: 'same' }) })
    expect(shop(state, 'trader')).toMatchObject({ paymentCount: 2 })
    expect(state.queue.size).toBe(2)
  })

  test('a trade is known legitimate after the delay if it was completed and not disputed, and by an outcome that says so', () => {
    const state = new RelationsState()
    const phases: Record<string, readonly P2pTrade['phase'][]> = {
      done: ['opened', 'completed'],
      disputed: ['completed', 'disputed'],
      open: ['opened', 'paid'],
      cancelled: ['cancelled'],
      cleared: ['disputed'],
      confirmed: ['opened'],
    }
    const first = new Map<string, P2pTrade>()
    for (const [counterpartyId, seen] of Object.entries(phases))
      for (const phase of seen) {
        const event = trade(NOON, { tradeId: counterpartyId, counterpartyId, phase })
        if (!first.has(counterpartyId)) first.set(counterpartyId, event)
        take(state, { topic: 'p2p-trades', event })
      }
    for (const [name, label] of [
      ['cleared', 'false-positive'],
      ['confirmed', 'legitimate'],
    ] as const)
      take(state, { topic: 'outcomes', event: outcome(NOON + DAY, first.get(name)!, { label }) })
    state.advance(NOON + 8 * DAY)
    const facts = state.takeChanged().map(({ key, value }) => ({ key, ...decodeCounterpartyFact(value) }))
    const known = facts.filter(({ legitimateTotal, known7d }) => legitimateTotal === 1 && known7d === ONE)
    expect(known.map(({ key }) => key)).toEqual(['cleared', 'confirmed', 'done'])
  })

  test('one fraud beside two hundred completed trades is half a per cent', () => {
    const state = new RelationsState()
    const trades = Array.from({ length: 201 }, (_, i) => trade(NOON + i, { phase: 'completed' }))
    for (const event of trades) take(state, { topic: 'p2p-trades', event })
    take(state, { topic: 'outcomes', event: outcome(NOON + 8 * DAY, trades[0]), habitDistanceCenti: 0 })
    const fact = shop(state, 'trader')!
    expect(fact).toMatchObject({ legitimateTotal: 200, fraudTotal: 1, fraudRegister: 1, fraudRegisterLength: 8 })
    expect(Math.round((1_000 * fact.frauds7d) / fact.known7d)).toBeLessThan(10)
  })

  test('alerts stand until the same provider clears them; a counterfeit report on a merchant account is one on the counterparty', () => {
    const state = new RelationsState()
    take(state, { topic: 'risk-alerts', event: alert(NOON, { counterpartyId: 'shop', severity: 300 }) })
    take(state, { topic: 'risk-alerts', event: alert(NOON, { counterpartyId: 'shop', severity: 600, provider: 'other' }) })
    expect(shop(state)).toMatchObject({ alertSeverity: 600 })
    take(state, { topic: 'risk-alerts', event: alert(NOON + 1, { counterpartyId: 'shop', provider: 'other', result: 'clear' }) })
    expect(shop(state)).toMatchObject({ alertSeverity: 300 })
    take(state, { topic: 'risk-alerts', event: alert(NOON + 2, { counterpartyId: 'shop', result: 'clear' }) })
    expect(shop(state)).toMatchObject({ alertSeverity: -1 })
    take(state, { topic: 'risk-alerts', event: alert(NOON + 3, { accountId: 'shop', kind: 'counterfeit' }) })
    expect(shop(state)).toMatchObject({ alertSeverity: 500, counterfeitReports: 1 })
  })
})

describe('alerts on a counterparty', () => {
  const report = (state: RelationsState, timeMs: number, more: Partial<RiskAlert> = {}): void =>
    take(state, { topic: 'risk-alerts', event: alert(timeMs, { counterpartyId: 'shop', ...more }), status: 'late' })

  test('end when their time is over, by themselves or with what memory there is, and the fact is told as of then', () => {
    const state = new RelationsState({ ...DEFAULT_RELATIONS_OPTIONS, alertMemoryMs: 10 * DAY })
    report(state, NOON, { severity: 300 })
    report(state, NOON + 1, { severity: 600, expiresAtMs: NOON + 2 * DAY })
    expect(shop(state)).toMatchObject({ alertSeverity: 600 })
    state.advance(NOON + 2 * DAY - 1)
    expect(shop(state)).toBeUndefined()
    state.advance(NOON + 3 * DAY)
    expect(shop(state)).toMatchObject({ alertSeverity: 300, asOfMs: NOON + 2 * DAY })
    state.advance(NOON + 40 * DAY)
    expect(shop(state)).toMatchObject({ alertSeverity: -1, asOfMs: NOON + 10 * DAY })
  })

  test('that are over when they come never stand; a counterfeit report is counted all the same', () => {
    const state = new RelationsState()
    take(state, { topic: 'payments', event: payment(NOON + 40 * DAY) })
    const late = { topic: 'risk-alerts', status: 'late', streamTimeMs: NOON + 40 * DAY } as const
    take(state, { ...late, event: alert(NOON, { counterpartyId: 'shop', kind: 'counterfeit' }) })
    expect(shop(state)).toMatchObject({ alertSeverity: -1, counterfeitReports: 1 })
    take(state, { ...late, event: alert(NOON, { counterpartyId: 'shop', expiresAtMs: NOON + 41 * DAY }) })
    expect(shop(state)).toMatchObject({ alertSeverity: 500 })
  })

  test('of one provider leave the one of another standing; those that had to go are counted, after a restart too', () => {
    const state = new RelationsState()
    report(state, NOON, { severity: 700, provider: 'other' })
    for (let i = 0; i < 9; i++) report(state, NOON + i, { severity: 800 - i })
    expect(state.counters.alertsForgotten).toBe(2)
    report(state, NOON + 9, { result: 'clear' })
    expect(shop(state)).toMatchObject({ alertSeverity: 700 })
    const writer = new ByteWriter()
    state.writeSnapshot(writer)
    const copy = new RelationsState()
    copy.readSnapshot(new ByteReader(writer.finish()))
    expect(copy.counters).toEqual(state.counters)
  })

  test('of counterfeits count once while they stand, however often they are told', () => {
    const state = new RelationsState()
    for (let day = 0; day < 10; day++) report(state, NOON + day * DAY, { kind: 'counterfeit' })
    expect(shop(state)).toMatchObject({ counterfeitReports: 1 })
    report(state, NOON + 10 * DAY, { kind: 'counterfeit', provider: 'other' })
    report(state, NOON + 10 * DAY, { kind: 'counterfeit', subjectEventId: payment(NOON).eventId })
    expect(shop(state)).toMatchObject({ counterfeitReports: 3 })
    report(state, NOON + 11 * DAY, { kind: 'counterfeit', result: 'clear' })
    report(state, NOON + 12 * DAY, { kind: 'counterfeit' })
    expect(shop(state)).toMatchObject({ counterfeitReports: 4 })
  })

  test('are ended by a clear of the same subject that is not older, and by no other', () => {
    const state = new RelationsState()
    const [one, other] = [payment(NOON).eventId, payment(NOON).eventId]
    report(state, NOON + 5, { severity: 700, subjectEventId: one })
    report(state, NOON + 5, { severity: 600 })
    for (const [result, timeMs, subjectEventId, alertSeverity] of [
      ['clear', NOON + 9, other, 700],
      ['clear', NOON + 4, one, 700],
      ['clear', NOON + 5, one, 600],
      ['clear', NOON + 4, null, 600],
      ['clear', NOON + 6, null, -1],
    ] as const) {
      report(state, timeMs, { result, subjectEventId })
      expect(shop(state)).toMatchObject({ alertSeverity })
    }
  })
})

describe('a device', () => {
  test('is told of from its second account on, and when a fraud came from it', () => {
    const state = new RelationsState()
    const one = payment(NOON + 2, { deviceId: 'd' })
    take(state, { topic: 'logins', event: login(NOON, { deviceId: 'd' }) })
    take(state, { topic: 'payments', event: one })
    take(state, { topic: 'logins', event: login(NOON + 3, { deviceId: 'd', accountId: 'b', outcome: 'failed' }) })
    expect(state.takeChanged().filter((fact) => fact.kind === 'device')).toEqual([])
    take(state, { topic: 'logins', event: login(NOON + 4, { deviceId: 'd', accountId: 'b' }) })
    take(state, { topic: 'outcomes', event: outcome(NOON + 5, one) })
    const changed = state.takeChanged()
    expect(changed.map((fact) => [fact.kind, fact.key])).toEqual([
      ['counterparty', 'shop'],
      ['device', 'd'],
    ])
    expect(decodeDeviceFact(changed[1].value)).toEqual({
      asOfMs: NOON + 5,
      firstSeenMs: NOON,
      distinctAccounts: 2,
      lastKnownFraudMs: NOON + 2,
    })
  })
})

const factArbitrary = fc.record({
  asOfMs: fc.nat(2 ** 41),
  firstSeenMs: fc.nat(2 ** 41),
  paymentCount: fc.nat(),
  distinctPayers: fc.nat(64),
  lastKnownLegitimateMs: fc.integer({ min: -1, max: 2 ** 41 }),
  lastKnownFraudMs: fc.integer({ min: -1, max: 2 ** 41 }),
  fraudRegister: fc.nat(255),
  fraudRegisterLength: fc.nat(8),
  frauds3d: fc.nat(),
  known3d: fc.nat(),
  frauds7d: fc.nat(),
  known7d: fc.nat(),
  fraudTotal: fc.nat(),
  legitimateTotal: fc.nat(),
  tradesCompleted: fc.nat(),
  tradesDisputed: fc.nat(),
  tradesCancelled: fc.nat(),
  chargebacks: fc.nat(),
  counterfeitReports: fc.nat(),
  alertSeverity: fc.integer({ min: -1, max: 1000 }),
})

describe('facts', () => {
  test('come back from their bytes', () => {
    fc.assert(fc.property(factArbitrary, (fact) => expect(decodeCounterpartyFact(encodeCounterpartyFact(fact))).toEqual(fact)))
    const device = { asOfMs: NOON, firstSeenMs: NOON - DAY, distinctAccounts: 3, lastKnownFraudMs: -1 }
    expect(decodeDeviceFact(encodeDeviceFact(device))).toEqual(device)
  })

  test('typically fit in 32 bytes', () => {
    const state = new RelationsState()
    for (let i = 0; i < 300; i++) take(state, { topic: 'payments', event: payment(NOON + i * 8 * HOUR, { accountId: `c-${i % 50}` }) })
    const [fact] = state.takeChanged()
    expect(fact.value.length).toBeLessThanOrEqual(32)
  })

  test('strange bytes are refused', () => {
    for (const bytes of [[], [255], [0, 1], [0, 1, 1, 1, 1, 1]])
      expect(() => decodeCounterpartyFact(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'snapshot-unusable' }))
  })
})

describe('state', () => {
  function lively(order: readonly string[], eager: boolean): RelationsState {
    const state = new RelationsState()
    for (const key of order) {
      take(state, { topic: 'risk-alerts', event: alert(NOON, { counterpartyId: key }) })
      const expiring = { counterpartyId: key, severity: 900, expiresAtMs: NOON + 10 * DAY + 12_345 }
      take(state, { topic: 'risk-alerts', event: alert(NOON, expiring) })
    }
    for (let i = 0; i < 200; i++) {
      const event = {
        ...payment(NOON + i * 3 * HOUR, {
          accountId: `c-${i % 7}`,
          counterpartyId: order.slice().sort()[i % order.length],
          deviceId: `d-${i % 3}`,
          paymentId: `p${i}`,
        }),
        eventId: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      }
      if (eager) for (let step = 1; step < 6; step++) state.advance(event.eventTimeMs - 3 * HOUR + step * 30 * 60_000)
      take(state, { topic: 'payments', event })
      if (i % 13 === 0) take(state, { topic: 'outcomes', event: outcome(event.eventTimeMs, event), habitDistanceCenti: i })
    }
    return state
  }

  test('survives a snapshot: same hash, same pending changes, same changes from then on', () => {
    const state = lively(['x', 'y', 'z'], false)
    const writer = new ByteWriter()
    state.writeSnapshot(writer)
    const copy = new RelationsState()
    copy.readSnapshot(new ByteReader(writer.finish()))
    expect(copy.canonicalHash(NOON + 25 * DAY)).toEqual(state.canonicalHash(NOON + 25 * DAY))
    expect(copy.takeChanged()).toEqual(state.takeChanged())
    for (const one of [copy, state]) one.advance(NOON + 60 * DAY)
    expect(copy.takeChanged()).toEqual(state.takeChanged())
    expect(state.changedCount).toBe(0)
  })

  test('goes on from a snapshot as if there had been none: new keys, known ones, alerts that are cleared', () => {
    const pay = (state: RelationsState, i: number, counterparties: number): void => {
      const more = { accountId: `c-${i % 90}`, counterpartyId: `s-${i % counterparties}`, deviceId: `d-${i % 100}`, paymentId: `p${i}` }
      const event = { ...payment(NOON + i, more), eventId: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}` }
      take(state, { topic: 'payments', event })
    }
    const state = new RelationsState()
    for (let i = 0; i < 600; i++) pay(state, i, 150)
    for (const [severity, provider] of [
      [300, 'watch'],
      [600, 'other'],
    ] as const)
      take(state, { topic: 'risk-alerts', event: alert(NOON + 600, { counterpartyId: 's-1', severity, provider }) })
    const writer = new ByteWriter()
    state.writeSnapshot(writer)
    const copy = new RelationsState()
    copy.readSnapshot(new ByteReader(writer.finish()))
    for (const one of [state, copy]) {
      take(one, { topic: 'risk-alerts', event: alert(NOON + 601, { counterpartyId: 's-1', provider: 'other', result: 'clear' }) })
      for (let i = 602; i < 1_200; i++) pay(one, i, 400)
    }
    expect(copy.takeChanged()).toEqual(state.takeChanged())
    expect(copy.canonicalHash(NOON + DAY)).toEqual(state.canonicalHash(NOON + DAY))
  })

  test('hashes alike whenever time was let pass, and whatever the order in which keys were first seen', () => {
    const atMs = NOON + 26 * DAY
    expect(lively(['x', 'y', 'z'], true).canonicalHash(atMs)).toEqual(lively(['z', 'x', 'y'], false).canonicalHash(atMs))
  })

  test('limits are counted', () => {
    const state = new RelationsState({ ...DEFAULT_RELATIONS_OPTIONS, maxKeys: 1, maxRemembered: 2 })
    for (let i = 0; i < 4; i++) take(state, { topic: 'payments', event: payment(NOON + i, { deviceId: `d${i}` }) })
    take(state, { topic: 'payments', event: payment(NOON + 9, { counterpartyId: 'another' }) })
    expect(state.counters).toMatchObject({ counterpartiesRefused: 1, devicesRefused: 3 })
    expect(state.queue.forgottenEarly).toBeGreaterThan(0)
  })
})
