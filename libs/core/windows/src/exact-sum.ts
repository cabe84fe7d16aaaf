const LIMB = 0x8000000 // 2^27

/**
 * The exact sum of safe integers out of a ring: values at `doubles[block + 2 (i & mask) + 1]` for `i` in `[from, to)`, at most 2^20 of
 * them. ±Infinity where the sum is beyond 2^53 - 1. Each value is split into two limbs of 27 bits, whose sums stay below 2^47.
 */
export function exactSum(
  doubles: Float64Array,
  range: { readonly block: number; readonly mask: number; readonly from: number; readonly to: number },
): number {
  const { block, mask, from, to } = range
  let high = 0
  let low = 0
  for (let i = from; i < to; i++) {
    const value = doubles[block + (i & mask) * 2 + 1]
    const upper = Math.floor(value / LIMB)
    high += upper
    low += value - upper * LIMB
  }
  const carry = Math.floor(low / LIMB)
  high += carry
  low -= carry * LIMB
  // Now low is in [0, 2^27), so the sum is representable if and only if this one addition is within the safe integers.
  const sum = high * LIMB + low
  if (sum > Number.MAX_SAFE_INTEGER) return Infinity
  if (sum < -Number.MAX_SAFE_INTEGER) return -Infinity
  return sum
}
