import type { EventTopic } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import { DAY, NOON, alert, liveness, payment } from '@riskledger/relations/src/testing/events'
import type { Features } from './features'
import { DEFAULT_PROFILE_OPTIONS } from './profile-options'
import { ProfileStore } from './profile-store'

const facts = { counterparty: () => undefined, device: () => undefined }

function see<T extends EventTopic>(store: ProfileStore, topic: T, event: RawEvents[T]): Features {
  store.advance(event.eventTimeMs)
  return store.observe(topic, viewOf(topic, event), { late: false, facts })!
}

const fresh = (): ProfileStore => new ProfileStore(DEFAULT_PROFILE_OPTIONS)

describe('alerts on an account', () => {
  test('are kept by kind, each with its highest severity', () => {
    const store = fresh()
    see(store, 'risk-alerts', alert(NOON, { kind: 'sanctions', severity: 800 }))
    see(store, 'risk-alerts', alert(NOON + 1, { kind: 'payment', severity: 900, provider: 'another' }))
    see(store, 'risk-alerts', alert(NOON + 2, { kind: 'payment', severity: 400, provider: 'third' }))
    expect(see(store, 'payments', payment(NOON + 3)).accountAlerts).toEqual({ sanctions: 800, payment: 900 })
  })

  test('of one kind, however many, push out none of another, nor the most severe of their own', () => {
    const store = fresh()
    see(store, 'risk-alerts', alert(NOON, { kind: 'sanctions', severity: 300 }))
    see(store, 'risk-alerts', alert(NOON + 1, { kind: 'payment', severity: 700 }))
    for (let i = 0; i < 40; i++) see(store, 'risk-alerts', alert(NOON + 2 + i, { kind: 'payment', severity: 500 }))
    expect(see(store, 'payments', payment(NOON + 99)).accountAlerts).toEqual({ sanctions: 300, payment: 700 })
  })

  test('that have ended go first', () => {
    const store = fresh()
    see(store, 'risk-alerts', alert(NOON, { kind: 'pep', severity: 900, expiresAtMs: NOON + 5 }))
    for (let i = 0; i < 16; i++) see(store, 'risk-alerts', alert(NOON + 10, { kind: 'payment', severity: 100 + i }))
    expect(see(store, 'payments', payment(NOON + 4)).accountAlerts).toEqual({})
    expect(see(store, 'payments', payment(NOON + 11)).accountAlerts).toEqual({ payment: 115 })
  })
})

test('an attack of an unknown kind is an attack, and hides none that is known', () => {
  const store = fresh()
  see(store, 'liveness-results', liveness(NOON, { attackKind: 'unknown' }))
  expect(see(store, 'payments', payment(NOON + 1)).livenessAttackKind).toBe('unknown')
  see(store, 'liveness-results', liveness(NOON + 2, { attackKind: 'mask' }))
  see(store, 'liveness-results', liveness(NOON + 3, { attackKind: 'unknown' }))
  expect(see(store, 'payments', payment(NOON + 4)).livenessAttackKind).toBe('mask')
  expect(see(store, 'payments', payment(NOON + 8 * DAY)).livenessAttackKind).toBe('none')
})

test('a check that passed shows no attack of an unknown kind: its vendor may tell no kinds apart', () => {
  const store = fresh()
  see(store, 'liveness-results', liveness(NOON, { outcome: 'failed' }))
  see(store, 'liveness-results', liveness(NOON + 1, { outcome: 'passed', attackKind: 'unknown' }))
  expect(see(store, 'payments', payment(NOON + 2))).toMatchObject({ livenessAttackKind: 'none', livenessPassedAfterFailure: true })
  see(store, 'liveness-results', liveness(NOON + 3, { outcome: 'passed', attackKind: 'mask' }))
  expect(see(store, 'payments', payment(NOON + 4)).livenessAttackKind).toBe('mask')
})

describe('of more than sixteen checks', () => {
  function abandon(store: ProfileStore, fromMs: number, count = 16): void {
    for (let i = 0; i < count; i++) see(store, 'liveness-results', liveness(fromMs + i, { outcome: 'abandoned' }))
  }

  test('those that show an attack or another face stay', () => {
    const store = fresh()
    see(store, 'liveness-results', liveness(NOON, { attackKind: 'mask' }))
    see(store, 'liveness-results', liveness(NOON + 1, { faceMatch: 'mismatch' }))
    abandon(store, NOON + 2)
    expect(see(store, 'payments', payment(NOON + 99))).toMatchObject({ livenessAttackKind: 'mask', livenessFaceMismatch: true })
    expect(see(store, 'payments', payment(NOON + 2 * DAY)).livenessAttackKind).toBe('mask')
  })

  test('those that count no more go first, whatever they showed', () => {
    const store = fresh()
    for (let i = 0; i < 8; i++) see(store, 'liveness-results', liveness(NOON + i, { attackKind: 'mask' }))
    for (let i = 0; i < 8; i++) see(store, 'liveness-results', liveness(NOON + 6 * DAY + i, { faceMatch: 'mismatch' }))
    abandon(store, NOON + 8 * DAY)
    expect(see(store, 'payments', payment(NOON + 8 * DAY + 99)).livenessAbandoned1d).toBe(16)
  })

  test('the oldest goes where all show an attack', () => {
    const store = fresh()
    see(store, 'liveness-results', liveness(NOON, { attackKind: 'mask' }))
    for (let i = 1; i <= 16; i++) see(store, 'liveness-results', liveness(NOON + i, { attackKind: 'photo' }))
    expect(see(store, 'payments', payment(NOON + 99)).livenessFailed1d).toBe(16)
    expect(see(store, 'payments', payment(NOON + 7 * DAY)).livenessAttackKind).toBe('photo')
  })
})
