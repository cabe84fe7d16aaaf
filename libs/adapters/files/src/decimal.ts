/**
 * A decimal number such as `57.16` or `-3` in units of 10^-scale, exactly: no float is involved. NaN where the text is not a
 * decimal, has more places than the scale that are not zero, or lies beyond 2^53 - 1.
 */
export function decimalToUnits(text: string, scale: number): number {
  const { length } = text
  const negative = text.charCodeAt(0) === 45
  let at = negative ? 1 : 0
  let units = 0
  let seen = 0
  for (; at < length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) break
    units = units * 10 + digit
    seen++
  }
  if (seen === 0) return NaN
  let places = 0
  if (at < length) {
    if (text.charCodeAt(at) !== 46 || at + 1 === length) return NaN
    for (at++; at < length; at++) {
      const digit = text.charCodeAt(at) - 48
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
