/** The state with which SHA-1 begins (FIPS 180-4, section 5.3.1). */
export const SHA1_START: Int32Array = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)

/** Does the first `count` rounds of a block, at most 16, on the registers; `w` holds so many words of it. */
export function beginBlock(w: Int32Array, registers: Int32Array, count: number): void {
  let [a, b, c, d, e] = registers
  for (let i = 0; i < count; i++) {
    const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + 0x5a827999 + e + w[i]) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  registers.set([a, b, c, d, e])
}

/**
 * Does the rounds `[from, 80)` of a block (FIPS 180-4, section 6.1.2), `from` at most 16, and adds their outcome to `chain`. `registers` are
 * those after the rounds before. `w` holds the block's 16 words, and is used for the 80 of its schedule.
 */
export function finishBlock(w: Int32Array, registers: Int32Array, from: number, chain: Int32Array): void {
  // The words that the next three steps need stay in registers.
  let x = w[13]
  let y = w[14]
  let z = w[15]
  for (let i = 16; i < 79; i += 3) {
    x ^= w[i - 8] ^ w[i - 14] ^ w[i - 16]
    w[i] = x = (x << 1) | (x >>> 31)
    y ^= w[i - 7] ^ w[i - 13] ^ w[i - 15]
    w[i + 1] = y = (y << 1) | (y >>> 31)
    z ^= w[i - 6] ^ w[i - 12] ^ w[i - 14]
    w[i + 2] = z = (z << 1) | (z >>> 31)
  }
  x ^= w[71] ^ w[65] ^ w[63]
  w[79] = (x << 1) | (x >>> 31)
  let a = registers[0]
  let b = registers[1]
  let c = registers[2]
  let d = registers[3]
  let e = registers[4]
  for (let i = from; i < 20; i++) {
    const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + 0x5a827999 + e + w[i]) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  // Five rounds a turn: the registers change places instead of being moved.
  for (let i = 20; i < 40; i += 5) {
    e = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + 0x6ed9eba1 + e + w[i]) | 0
    b = (b << 30) | (b >>> 2)
    d = (((e << 5) | (e >>> 27)) + (a ^ b ^ c) + 0x6ed9eba1 + d + w[i + 1]) | 0
    a = (a << 30) | (a >>> 2)
    c = (((d << 5) | (d >>> 27)) + (e ^ a ^ b) + 0x6ed9eba1 + c + w[i + 2]) | 0
    e = (e << 30) | (e >>> 2)
    b = (((c << 5) | (c >>> 27)) + (d ^ e ^ a) + 0x6ed9eba1 + b + w[i + 3]) | 0
    d = (d << 30) | (d >>> 2)
    a = (((b << 5) | (b >>> 27)) + (c ^ d ^ e) + 0x6ed9eba1 + a + w[i + 4]) | 0
    c = (c << 30) | (c >>> 2)
  }
  for (let i = 40; i < 60; i += 5) {
    e = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) - 0x70e44324 + e + w[i]) | 0
    b = (b << 30) | (b >>> 2)
    d = (((e << 5) | (e >>> 27)) + ((a & b) | (c & (a | b))) - 0x70e44324 + d + w[i + 1]) | 0
    a = (a << 30) | (a >>> 2)
    c = (((d << 5) | (d >>> 27)) + ((e & a) | (b & (e | a))) - 0x70e44324 + c + w[i + 2]) | 0
    e = (e << 30) | (e >>> 2)
    b = (((c << 5) | (c >>> 27)) + ((d & e) | (a & (d | e))) - 0x70e44324 + b + w[i + 3]) | 0
    d = (d << 30) | (d >>> 2)
    a = (((b << 5) | (b >>> 27)) + ((c & d) | (e & (c | d))) - 0x70e44324 + a + w[i + 4]) | 0
    c = (c << 30) | (c >>> 2)
  }
  for (let i = 60; i < 80; i += 5) {
    e = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) - 0x359d3e2a + e + w[i]) | 0
    b = (b << 30) | (b >>> 2)
    d = (((e << 5) | (e >>> 27)) + (a ^ b ^ c) - 0x359d3e2a + d + w[i + 1]) | 0
    a = (a << 30) | (a >>> 2)
    c = (((d << 5) | (d >>> 27)) + (e ^ a ^ b) - 0x359d3e2a + c + w[i + 2]) | 0
    e = (e << 30) | (e >>> 2)
    b = (((c << 5) | (c >>> 27)) + (d ^ e ^ a) - 0x359d3e2a + b + w[i + 3]) | 0
    d = (d << 30) | (d >>> 2)
    a = (((b << 5) | (b >>> 27)) + (c ^ d ^ e) - 0x359d3e2a + a + w[i + 4]) | 0
    c = (c << 30) | (c >>> 2)
  }
  chain[0] += a
  chain[1] += b
  chain[2] += c
  chain[3] += d
  chain[4] += e
}
