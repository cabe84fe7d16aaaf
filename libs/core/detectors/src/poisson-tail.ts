import { strict as assert } from 'node:assert'

/** Counts for which the table is exact; larger ones are judged as this many. */
export const MAX_TABLED_COUNT = 255

/**
 * For each count k in `[0, 255]` the largest mean at which k or more events come with a probability below `alphaPpb` in 10^9 under
 * Poisson's law (Poisson 1837). k is unlikely at a mean below `table[k]`. Computed by halving, with + - * / alone, so that every engine
 * gives the same bits. The last table is kept, since it takes twelve milliseconds and nearly every policy asks for the same: read it only.
 */
export function unlikelyBelowMean(alphaPpb: number): Float64Array {
  if (last.alphaPpb !== alphaPpb) last = { alphaPpb, table: computeTable(alphaPpb) }
  return last.table
}

let last: { readonly alphaPpb: number; readonly table: Float64Array } = { alphaPpb: 0, table: new Float64Array(0) }

function computeTable(alphaPpb: number): Float64Array {
  assert(alphaPpb > 0 && alphaPpb < 1_000_000_000, 'alpha lies between 0 and 1')
  const alpha = alphaPpb / 1_000_000_000
  const table = new Float64Array(MAX_TABLED_COUNT + 1)
  for (let k = 1; k <= MAX_TABLED_COUNT; k++) {
    let low = table[k - 1]
    let high = k
    for (let round = 0; round < 40; round++) {
      const middle = (low + high) / 2
      if (tail(k, middle) < alpha) low = middle
      else high = middle
    }
    table[k] = low
  }
  return table
}

/** P(X >= k) for X Poisson with this mean: the terms from k on over all terms, each term from the one before. */
function tail(k: number, mean: number): number {
  let term = 1
  let below = 0
  let above = 0
  for (let j = 0; j < k || term > (below + above) * 1e-17 || j < mean; j++) {
    if (j < k) below += term
    else above += term
    term = (term * mean) / (j + 1)
  }
  return above / (below + above)
}
