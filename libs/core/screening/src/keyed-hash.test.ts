import fc from 'fast-check'
import { ContentDigest, KeyedHash } from './keyed-hash'

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i)
const MASK = 0xffff_ffffn

/** HalfSipHash-2-4 written a second time, after the paper's description, on big integers. */
function halfSipHash(key: Uint8Array, message: Uint8Array): bigint {
  const word = (bytes: Uint8Array, at: number): bigint => {
    let value = 0n
    for (let i = 3; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0)
    return value
  }
  const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & MASK
  const [k0, k1] = [word(key, 0), word(key, 4)]
  let v0 = k0
  let v1 = k1 ^ 0xeen
  let v2 = k0 ^ 0x6c796765n
  let v3 = k1 ^ 0x74656462n
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & MASK
      v1 = rotate(v1, 5n) ^ v0
      v0 = rotate(v0, 16n)
      v2 = (v2 + v3) & MASK
      v3 = rotate(v3, 8n) ^ v2
      v0 = (v0 + v3) & MASK
      v3 = rotate(v3, 7n) ^ v0
      v2 = (v2 + v1) & MASK
      v1 = rotate(v1, 13n) ^ v2
      v2 = rotate(v2, 16n)
    }
  }
  const padded = new Uint8Array((Math.floor(message.length / 4) + 1) * 4)
  padded.set(message)
  padded[padded.length - 1] = message.length
  for (let at = 0; at < padded.length; at += 4) {
    const m = word(padded, at)
    v3 ^= m
    rounds(2)
    v0 ^= m
  }
  v2 ^= 0xeen
  rounds(4)
  const low = v1 ^ v3
  v1 ^= 0xddn
  rounds(4)
  return low | ((v1 ^ v3) << 32n)
}

function hashed(message: Uint8Array, key = KEY): bigint {
  const hash = new KeyedHash(key)
  hash.hash(message, 0, message.length)
  return BigInt(hash.low) | (BigInt(hash.high) << 32n)
}

// From vectors.h of the reference implementation (Aumasson, CC0): input 00, 01, 02 ..., longer by one byte each; output little-endian.
test.each([
  [0, '218d1f59b9b83cc8'],
  [1, 'be552412f8387315'],
  [2, '064f39ef7c50eb57'],
  [3, 'ce0f1a45f7060679'],
  [4, 'd5e78a175be52ea1'],
  [5, 'cb9d7c3f2f3db580'],
  [6, 'ce3e91358aa2bc25'],
  [7, 'ff202728b07bc684'],
])('gives the published vector of %d bytes', (length, published) => {
  const hash = new KeyedHash(KEY)
  hash.hash(
    Uint8Array.from({ length }, (_, i) => i),
    0,
    length,
  )
  const output = Buffer.alloc(8)
  output.writeUInt32LE(hash.low, 0)
  output.writeUInt32LE(hash.high, 4)
  expect(output.toString('hex')).toBe(published)
})

test('equals an independent implementation, whatever the key and the bytes', () => {
  for (let length = 0; length < 64; length++) {
    const message = Uint8Array.from({ length }, (_, i) => i)
    expect(hashed(message)).toBe(halfSipHash(KEY, message))
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 16 }), fc.uint8Array({ maxLength: 300 }), (key, message) => {
      expect(hashed(message, key)).toBe(halfSipHash(key, message))
    }),
  )
})

test('hashes the part of the bytes that it is told to, and nothing else', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 3)
  const hash = new KeyedHash(KEY)
  hash.hash(bytes, 10, 26)
  expect(BigInt(hash.low) | (BigInt(hash.high) << 32n)).toBe(halfSipHash(KEY, bytes.subarray(10, 26)))
})

describe('content digest', () => {
  function digestOf(bytes: Uint8Array, salt = 0, key = KEY): string {
    const digest = new ContentDigest(key)
    digest.digest(bytes, salt)
    return `${digest.low}|${digest.high}`
  }

  test('is the same for the same bytes and differs for every change of a byte, for a longer one, another salt, another key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, by) => {
        const other = Uint8Array.from(bytes)
        other[at % bytes.length] ^= by
        const whole = digestOf(bytes)
        expect(digestOf(Uint8Array.from(bytes))).toBe(whole)
        expect(digestOf(other)).not.toBe(whole)
        expect(digestOf(Uint8Array.from([...bytes, 0]))).not.toBe(whole)
        expect(digestOf(bytes, 1)).not.toBe(whole)
        expect(
          digestOf(
            bytes,
            0,
            Uint8Array.from(KEY, (byte) => byte ^ 0x55),
          ),
        ).not.toBe(whole)
      }),
    )
  })

  test.each([8, 21, 35])('spreads: no collision among 50,000 records that differ in a counter at byte %d', (at) => {
    const bytes = new Uint8Array(60)
    const seen = new Set<string>()
    for (let i = 0; i < 50_000; i++) {
      new DataView(bytes.buffer).setUint32(at, i)
      seen.add(digestOf(bytes))
    }
    expect(seen.size).toBe(50_000)
  })
})
