const ZERO = 48

/** `decimalToUnits` of the ASCII text `bytes[from, to)`. */
export function decimalUnits(bytes: Uint8Array, from: number, to: number, scale: number): number {
  const negative = from < to && bytes[from] === 45
  let at = negative ? from + 1 : from
  const firstDigit = at
  let units = 0
  for (; at < to; at++) {
    const digit = bytes[at] - ZERO
    if (!(digit >= 0 && digit <= 9)) break
    units = units * 10 + digit
  }
  if (at === firstDigit) return NaN
  let places = 0
  if (at < to) {
    if (bytes[at] !== 46 || at + 1 === to) return NaN
    for (at++; at < to; at++) {
      const digit = bytes[at] - ZERO
      if (!(digit >= 0 && digit <= 9)) return NaN
      if (places < scale) {
        units = units * 10 + digit
        places++
      } else if (digit !== 0) return NaN
    }
  }
  for (; places < scale; places++) units *= 10
  if (units > Number.MAX_SAFE_INTEGER) return NaN
  return negative && units !== 0 ? -units : units
}
