import fc from 'fast-check'
import type { EventTopic } from '@riskledger/contracts'
import type { Login, RawEvents } from '@riskledger/events'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import { DAY, HOUR, MINUTE, NOON, login, payment } from '@riskledger/relations/src/testing/events'
import type { Features } from './features'
import { DEFAULT_PROFILE_OPTIONS } from './profile-options'
import { ProfileStore } from './profile-store'

const facts = { counterparty: () => undefined, device: () => undefined }

function see<T extends EventTopic>(store: ProfileStore, topic: T, event: RawEvents[T]): Features {
  store.advance(event.eventTimeMs)
  return store.observe(topic, viewOf(topic, event), { late: false, facts })!
}

/** An account that has logged in with its own device for ten days; the tenth day is over. */
function settled(): ProfileStore {
  const store = new ProfileStore(DEFAULT_PROFILE_OPTIONS)
  for (let day = 0; day < 10; day++) see(store, 'logins', login(NOON + day * DAY, { deviceId: 'own', behaviourDistance: 100 }))
  return store
}

const at = NOON + 10 * DAY

const distance = fc.option(fc.integer({ min: 0, max: 1000 }))

/** What logins have shown by a minute after the hour. */
function shownAfter(logins: readonly Login[]): Partial<Features> {
  const store = settled()
  for (const event of logins) see(store, 'logins', event)
  const features = see(store, 'payments', payment(at + HOUR + MINUTE))
  const {
    lastLoginBehaviourDistance,
    earlierLoginBehaviourDistance,
    msSinceEarlierLoginBehaviour,
    newerLoginBehaviourDistance,
    msSinceNewerLoginBehaviour,
    msSinceEarlierLoginNewDevice,
  } = features
  return {
    lastLoginBehaviourDistance,
    earlierLoginBehaviourDistance,
    msSinceEarlierLoginBehaviour,
    newerLoginBehaviourDistance,
    msSinceNewerLoginBehaviour,
    msSinceEarlierLoginNewDevice,
  }
}

describe('what a login showed', () => {
  test('is not taken back by another one right after it', () => {
    const store = settled()
    see(store, 'logins', login(at, { deviceId: 'other', behaviourDistance: 900 }))
    see(store, 'logins', login(at + 5_000, { deviceId: 'other', behaviourDistance: null }))
    see(store, 'logins', login(at + 9_000, { deviceId: 'other', behaviourDistance: 50 }))
    expect(see(store, 'payments', payment(at + MINUTE))).toMatchObject({
      msSinceLastLogin: MINUTE - 9_000,
      lastLoginBehaviourDistance: 50,
      lastLoginNewDevice: false,
      earlierLoginBehaviourDistance: 900,
      msSinceEarlierLoginBehaviour: MINUTE,
      msSinceEarlierLoginNewDevice: MINUTE,
    })
  })

  test('is forgotten with a login more than an hour later, and never renewed', () => {
    const store = settled()
    see(store, 'logins', login(at, { deviceId: 'other', behaviourDistance: 900 }))
    see(store, 'logins', login(at + HOUR, { deviceId: 'other', behaviourDistance: 300 }))
    expect(see(store, 'payments', payment(at + HOUR)).msSinceEarlierLoginBehaviour).toBe(HOUR)
    see(store, 'logins', login(at + HOUR + 1_000, { deviceId: 'other', behaviourDistance: null }))
    expect(see(store, 'payments', payment(at + HOUR + MINUTE))).toMatchObject({
      earlierLoginBehaviourDistance: 300,
      msSinceEarlierLoginBehaviour: MINUTE,
      msSinceEarlierLoginNewDevice: -1,
    })
    see(store, 'logins', login(at + 4 * HOUR, { deviceId: 'other', behaviourDistance: null }))
    expect(see(store, 'payments', payment(at + 4 * HOUR + 1))).toMatchObject({
      earlierLoginBehaviourDistance: -1,
      msSinceEarlierLoginBehaviour: -1,
      msSinceEarlierLoginNewDevice: -1,
    })
  })

  test('stays known where an older and odder login is too old', () => {
    const store = settled()
    see(store, 'logins', login(at, { deviceId: 'own', behaviourDistance: 900 }))
    see(store, 'logins', login(at + 30 * MINUTE, { deviceId: 'own', behaviourDistance: 800 }))
    see(store, 'logins', login(at + 40 * MINUTE, { deviceId: 'own', behaviourDistance: 0 }))
    see(store, 'logins', login(at + 45 * MINUTE, { deviceId: 'own', behaviourDistance: 10 }))
    expect(see(store, 'payments', payment(at + 61 * MINUTE))).toMatchObject({
      lastLoginBehaviourDistance: 10,
      earlierLoginBehaviourDistance: 900,
      msSinceEarlierLoginBehaviour: 61 * MINUTE,
      newerLoginBehaviourDistance: 800,
      msSinceNewerLoginBehaviour: 31 * MINUTE,
    })
    see(store, 'logins', login(at + 62 * MINUTE, { deviceId: 'own', behaviourDistance: 20 }))
    expect(see(store, 'payments', payment(at + 63 * MINUTE))).toMatchObject({
      earlierLoginBehaviourDistance: 800,
      msSinceEarlierLoginBehaviour: 33 * MINUTE,
      newerLoginBehaviourDistance: 10,
      msSinceNewerLoginBehaviour: 18 * MINUTE,
    })
  })

  test.each([100, 3_600_000])('is kept where it comes %d ms behind a newer one, by its own time', (behindMs) => {
    const store = settled()
    see(store, 'logins', login(at + HOUR, { deviceId: 'own', behaviourDistance: 40 }))
    see(store, 'logins', login(at + HOUR - behindMs, { deviceId: 'other', behaviourDistance: 900 }))
    const secondMs = Math.floor((at + HOUR - behindMs) / 1000) * 1000
    expect(see(store, 'payments', payment(at + HOUR + MINUTE, { deviceId: 'other' }))).toMatchObject({
      device: 'known',
      lastLoginBehaviourDistance: 40,
      lastLoginNewDevice: false,
      earlierLoginBehaviourDistance: 900,
      msSinceEarlierLoginBehaviour: at + HOUR + MINUTE - secondMs,
      msSinceEarlierLoginNewDevice: at + HOUR + MINUTE - secondMs,
    })
  })

  test('is not kept where it comes more than an hour behind', () => {
    const store = settled()
    see(store, 'logins', login(at + HOUR + 1_000, { deviceId: 'own', behaviourDistance: 40 }))
    see(store, 'logins', login(at, { deviceId: 'other', behaviourDistance: 900 }))
    expect(see(store, 'payments', payment(at + HOUR + MINUTE))).toMatchObject({
      earlierLoginBehaviourDistance: -1,
      msSinceEarlierLoginNewDevice: -1,
    })
  })

  test('is the same where one of three comes late as where all come in order', () => {
    const logins = fc.tuple(
      ...[0, 1, 2].map((i) => fc.record({ atMs: fc.integer({ min: i * 20 * MINUTE, max: (i + 1) * 20 * MINUTE - 1 }), distance })),
    )
    fc.assert(
      fc.property(logins, fc.nat(2), fc.boolean(), (three, lateOne, other) => {
        const events = three.map(({ atMs, distance: behaviourDistance }, i) =>
          login(at + atMs, { deviceId: i === lateOne && other ? 'other' : 'own', behaviourDistance }),
        )
        const last = login(at + HOUR, { deviceId: 'own', behaviourDistance: 30 })
        const inOrder = shownAfter([...events, last])
        expect(shownAfter([...events.filter((_, i) => i !== lateOne), last, events[lateOne]])).toEqual(inOrder)
      }),
      { numRuns: 50 },
    )
  })

  test('grows no older with the logins in between, however many', () => {
    const store = settled()
    see(store, 'logins', login(at, { deviceId: 'other', behaviourDistance: 900 }))
    for (let i = 0; i < 4_000; i++) see(store, 'logins', login(at + MINUTE + i * 15, { deviceId: 'other', behaviourDistance: 0 }))
    expect(see(store, 'payments', payment(at + 3 * MINUTE))).toMatchObject({
      earlierLoginBehaviourDistance: 900,
      msSinceEarlierLoginBehaviour: 3 * MINUTE,
      msSinceEarlierLoginNewDevice: 3 * MINUTE,
    })
  })
})
