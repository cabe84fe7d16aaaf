import { uuidText } from '@riskledger/events'
import fc from 'fast-check'
import { fingerprint, fingerprintEvent, fingerprintEventAt } from './event-fingerprint'
import { hashSpan, hashToken } from './token-hash'

test('the hash of a span is the hash of its text, ASCII or not; no span has none', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ minLength: 1, maxLength: 60 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })),
      (token) => {
        const bytes = Buffer.from(`..${token}`)
        fc.pre(bytes.length - 2 <= 255)
        expect(hashSpan(bytes, (2 << 8) | (bytes.length - 2))).toBe(hashToken(bytes.subarray(2).toString('utf8')))
      },
    ),
  )
  expect(hashSpan(Buffer.from('abc'), 0)).toBe(0)
})

test('the fingerprint of an id in bytes is that of its text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      fingerprintEvent(uuidText(bytes, 3))
      const expected = [...fingerprint]
      fingerprintEventAt(bytes, 3)
      expect([...fingerprint]).toEqual(expected)
    }),
  )
})
