const TWO_28 = 268435456

/** Bytes that {@link writeLong} writes at most. */
export const MAX_LONG_BYTES = 10

/**
 * Writes a whole number within ±(2^53 - 1) as Avro's `int` or `long` (zigzag, then seven bits a byte, lowest first) to `bytes[at, ...)`;
 * gives back where the next byte goes. The caller has checked the number and the room.
 */
export function writeLong(bytes: Uint8Array, at: number, value: number): number {
  let next = at
  let low: number
  if (value >= -1073741824 && value <= 1073741823) low = ((value << 1) ^ (value >> 31)) >>> 0
  else {
    const half = value >= 0 ? value : -value - 1
    let high = Math.floor(half / 134217728)
    low = (half - high * 134217728) * 2 + (value >= 0 ? 0 : 1)
    for (let i = 0; i < 4; i++) {
      bytes[next++] = (low & 0x7f) | 0x80
      low >>>= 7
    }
    while (high >= TWO_28) {
      bytes[next++] = (high % 128) | 0x80
      high = Math.floor(high / 128)
    }
    low = high
  }
  while (low > 0x7f) {
    bytes[next++] = (low & 0x7f) | 0x80
    low >>>= 7
  }
  bytes[next++] = low
  return next
}
