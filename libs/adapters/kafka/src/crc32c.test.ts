import fc from 'fast-check'
import { crc32c } from './crc32c'

test('gives the check value of the standard (RFC 3720, B.4)', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(0))).toBe(0)
})

test('equals the sum bit by bit, wherever the bytes lie in their buffer', () => {
  const bitwise = (bytes: Uint8Array): number => {
    let crc = -1
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(8), fc.nat(8), (bytes, before, after) => {
      const part = bytes.subarray(before, Math.max(before, bytes.length - after))
      return crc32c(part) === bitwise(part)
    }),
  )
})
