import { limitsOf } from './gateway-options'

test('every limit has a default', () => {
  expect(limitsOf()).toMatchObject({ defaultDeadlineMs: 150, burstEvents: 10_000 })
  expect(limitsOf({ maxConnections: 7 })).toEqual({ ...limitsOf(), maxConnections: 7 })
})

test.each([
  [{ maxConnections: 0 }, /maxConnections is 0/],
  [{ maxBodyBytes: 1.5 }, /maxBodyBytes is 1.5/],
  [{ requestTimeoutMs: Number.NaN }, /requestTimeoutMs is NaN/],
  [{ burstEvents: 999 }, /a batch has up to 1000 events/],
  [{ defaultDeadlineMs: 10_001 }, /10000 at most/],
  [{ maxPendingBytes: 1_000 }, /one body may have/],
])('%j is refused', (limits, message) => {
  expect(() => limitsOf(limits)).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringMatching(message) }),
  )
})
