const HEX = new Uint8Array(128)
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16)
  HEX[text.charCodeAt(0)] = digit
  HEX[text.toUpperCase().charCodeAt(0)] = digit
}

function hexByte(text: string, at: number): number {
  return (HEX[text.charCodeAt(at) & 127] << 4) | HEX[text.charCodeAt(at + 1) & 127]
}

function hexWord(text: string, at: number): number {
  return (hexByte(text, at) << 24) | (hexByte(text, at + 2) << 16) | (hexByte(text, at + 4) << 8) | hexByte(text, at + 6)
}

/** Where `fingerprintEvent` leaves its answer: `[low, high]`, each 32 bits, valid until the next call. */
export const fingerprint = new Uint32Array(2)

/**
 * Mixes an event id (a UUID in its 36-character form) to 64 bits, in `fingerprint`. Ids with the same first half, or the same second half, never
 * share one; others do with odds of 1 in 2^64, whatever pattern they follow, unless they are made for it: it has no key. Ids are chosen by
 * strangers, so whoever looks something up by it checks account and time too.
 */
export function fingerprintEvent(eventId: string): void {
  mix(
    hexWord(eventId, 0),
    (hexByte(eventId, 9) << 24) | (hexByte(eventId, 11) << 16) | (hexByte(eventId, 14) << 8) | hexByte(eventId, 16),
    (hexByte(eventId, 19) << 24) | (hexByte(eventId, 21) << 16) | (hexByte(eventId, 24) << 8) | hexByte(eventId, 26),
    hexWord(eventId, 28),
  )
}

/** `fingerprintEvent` of the id whose 16 bytes begin at `at`. */
export function fingerprintEventAt(bytes: Uint8Array, at: number): void {
  mix(bytesWord(bytes, at), bytesWord(bytes, at + 4), bytesWord(bytes, at + 8), bytesWord(bytes, at + 12))
}

function bytesWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}

// Each step can be undone where the other half is known; the multipliers are those of MurmurHash3 (Appleby, public domain).
function mix(a: number, b: number, c: number, d: number): void {
  let low = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  let high = Math.imul(b ^ (b >>> 15), 0xc2b2ae35)
  low ^= (low >>> 13) ^ c
  high ^= (high >>> 14) ^ d
  low = Math.imul(low ^ ((high << 13) | (high >>> 19)), 0xcc9e2d51)
  low ^= low >>> 16
  high = Math.imul(high ^ ((low << 17) | (low >>> 15)), 0x1b873593)
  high ^= high >>> 15
  fingerprint[0] = low
  fingerprint[1] = high
}
