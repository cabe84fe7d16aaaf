/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein's SipHash on 32-bit words), for ids that strangers choose: without the
 * key nobody can aim collisions at the table. One instance is reused; the result is in `low` and `high`, both unsigned 32-bit.
 */
export class KeyedHash {
  low = 0
  high = 0
  private readonly key0: number
  private readonly key1: number

  /** `key`: at least 8 bytes, the first 8 are used. */
  constructor(key: Uint8Array) {
    this.key0 = word(key, 0)
    this.key1 = word(key, 4)
  }

  hash(bytes: Uint8Array, start: number, end: number): void {
    let v0 = this.key0
    let v1 = this.key1 ^ 0xee
    let v2 = 0x6c796765 ^ this.key0
    let v3 = 0x74656462 ^ this.key1
    const length = end - start
    const whole = start + (length & ~3)
    let last = (length & 0xff) << 24
    for (let i = start; i <= whole; i += 4) {
      let m: number
      if (i < whole) m = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
      else {
        for (let j = whole; j < end; j++) last |= bytes[j] << (8 * (j - whole))
        m = last
      }
      v3 ^= m
      for (let round = 0; round < 2; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      v0 ^= m
    }
    v2 ^= 0xee
    for (let half = 0; half < 2; half++) {
      for (let round = 0; round < 4; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      if (half === 0) {
        this.low = (v1 ^ v3) >>> 0
        v1 ^= 0xdd
      } else this.high = (v1 ^ v3) >>> 0
    }
  }
}

/**
 * A keyed 64-bit digest of content, fast rather than strong (two multiply-mix lanes over 32-bit words): it tells a retry from a changed event.
 * The result is in `low` and `high`.
 */
export class ContentDigest {
  low = 0
  high = 0
  private readonly seed0: number
  private readonly seed1: number

  /** `key`: at least 16 bytes, the last 8 of the first 16 are used. */
  constructor(key: Uint8Array) {
    this.seed0 = word(key, 8)
    this.seed1 = word(key, 12)
  }

  digest(bytes: Uint8Array, salt: number): void {
    let a = this.seed0 ^ salt
    let b = this.seed1 ^ bytes.length
    const whole = bytes.length & ~3
    for (let i = 0; i < whole; i += 4) {
      const m = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
      a = Math.imul(a ^ m, 0x85ebca6b)
      a ^= a >>> 15
      b = Math.imul((b ^ m) + a, 0xc2b2ae35)
      b ^= b >>> 13
    }
    for (let i = whole; i < bytes.length; i++) {
      a = Math.imul(a ^ bytes[i], 0x85ebca6b)
      b = Math.imul((b ^ bytes[i]) + a, 0xc2b2ae35)
    }
    a = Math.imul(a ^ (a >>> 16) ^ b, 0x27d4eb2f)
    b = Math.imul(b ^ (b >>> 16) ^ a, 0x165667b1)
    this.low = (a ^ (a >>> 15)) >>> 0
    this.high = (b ^ (b >>> 13)) >>> 0
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
