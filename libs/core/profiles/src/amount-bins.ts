/** Bins of an amount histogram: quarter octaves over 24 octaves, [2^4, 2^28) minor units; the first and the last also hold what lies beyond. */
export const AMOUNT_BINS = 96
const FIRST_OCTAVE = 4

/** Lower edge of each bin in minor units (2^4 to 2^28), and the last one's upper edge. Rounded; quarter octaves by repeated sqrt. */
export const AMOUNT_EDGES = new Float64Array(AMOUNT_BINS + 1)
const half = Math.sqrt(2)
const quarter = Math.sqrt(half)
for (let bin = 0, octave = 16; bin <= AMOUNT_BINS; bin += 4, octave *= 2) {
  const edges = [octave, octave * quarter, octave * half, octave * half * quarter]
  for (let i = 0; i < 4 && bin + i <= AMOUNT_BINS; i++) AMOUNT_EDGES[bin + i] = Math.round(edges[i])
}

/** The bin of an amount of minor units: `AMOUNT_EDGES[bin] <= amount < AMOUNT_EDGES[bin + 1]`, clipped to the first and last. */
export function amountBin(amountMinor: number): number {
  if (amountMinor < AMOUNT_EDGES[1]) return 0
  if (amountMinor >= AMOUNT_EDGES[AMOUNT_BINS - 1]) return AMOUNT_BINS - 1
  let bin = (31 - Math.clz32(amountMinor) - FIRST_OCTAVE) * 4
  while (amountMinor >= AMOUNT_EDGES[bin + 1]) bin++
  return bin
}
