// What stands from some place in an array of doubles on: how many amounts, their sum, and the sum of their squares in two limbs.
export const COUNT = 0
export const SUM = 1
const SQUARES_LOW = 2
const SQUARES_HIGH = 3
export const SUMS = 4

/**
 * As much of an amount enters the sums at most, in minor units: about 11 thousand million in units of two decimals, more than anybody pays. Amounts are
 * chosen by strangers and go up to 2^53 - 1, whose squares no double holds beside those of ordinary ones. The sum is exact below 2^53: for 8,000 amounts
 * of this size, and 10^12 ordinary ones; the squares for two million.
 */
export const MAX_SUMMED_MINOR = 0x100_0000_0000

const LIMB = 0x1_0000_0000_0000 // 2^48
const HALF = 0x10_0000 // 2^20
const CROSS = 2 * HALF
const TOP = HALF * HALF

/** Puts an amount into the sums that begin at `at` (`by` 1), or takes it out again (-1), which leaves what was there before, to the last bit. */
export function shiftSums(doubles: Float64Array, at: number, by: 1 | -1, amountMinor: number): void {
  const amount = Math.min(amountMinor, MAX_SUMMED_MINOR)
  doubles[at + COUNT] += by
  doubles[at + SUM] += by * amount
  // amount² = upper² TOP + upper lower CROSS + lower², each product below 2^41; what reaches LIMB of it goes to the high limb.
  const upper = Math.floor(amount / HALF)
  const lower = amount - upper * HALF
  const top = upper * upper
  const cross = upper * lower
  const topCarry = Math.floor(top / (LIMB / TOP))
  const crossCarry = Math.floor(cross / (LIMB / CROSS))
  const rest = (top - topCarry * (LIMB / TOP)) * TOP + (cross - crossCarry * (LIMB / CROSS)) * CROSS + lower * lower
  const low = doubles[at + SQUARES_LOW] + by * rest
  const carry = Math.floor(low / LIMB)
  doubles[at + SQUARES_LOW] = low - carry * LIMB
  doubles[at + SQUARES_HIGH] += by * (topCarry + crossCarry) + carry
}

/** The sum of squares, rounded to a double. */
export function squaresOf(doubles: Float64Array, at: number): number {
  return doubles[at + SQUARES_HIGH] * LIMB + doubles[at + SQUARES_LOW]
}
