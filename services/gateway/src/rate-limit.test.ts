import { RateLimit } from './rate-limit'

/** A bucket of 10 tokens, 5 a second, under a clock that a test moves. */
function bucket(): { readonly limit: RateLimit; readonly clock: { nowMs: number } } {
  const clock = { nowMs: 1_000 }
  return { clock, limit: new RateLimit({ eventsPerSecond: 5, burstEvents: 10, nowMs: () => clock.nowMs }) }
}

test('a full bucket gives its burst at once, then nothing', () => {
  const { limit } = bucket()
  expect(limit.take(10)).toBe(0)
  expect(limit.take(1)).toBe(200)
})

test('what is refused takes nothing, and comes after just the time that was said', () => {
  const { limit, clock } = bucket()
  limit.take(8)
  expect(limit.take(4)).toBe(400)
  clock.nowMs += 399
  expect(limit.take(4)).toBeGreaterThan(0)
  clock.nowMs += 1
  expect(limit.take(4)).toBe(0)
})

test('a bucket never holds more than its burst', () => {
  const { limit, clock } = bucket()
  clock.nowMs += 3_600_000
  expect(limit.take(11)).toBe(200)
  expect(limit.take(10)).toBe(0)
})

test('the rest of a request takes what it has not taken yet; where that is too much, the time that is said is for all of it', () => {
  const { limit, clock } = bucket()
  expect(limit.take(1)).toBe(0)
  expect(limit.take(6, 1)).toBe(0)
  expect(limit.wait(4)).toBe(0)
  expect(limit.take(1)).toBe(0)
  expect(limit.take(5, 1)).toBe(400)
  clock.nowMs += 400
  expect(limit.take(1)).toBe(0)
  expect(limit.take(5, 1)).toBe(0)
})

test('looking takes nothing', () => {
  const { limit } = bucket()
  expect(limit.wait(10)).toBe(0)
  expect(limit.wait(10)).toBe(0)
  expect(limit.take(10)).toBe(0)
})
