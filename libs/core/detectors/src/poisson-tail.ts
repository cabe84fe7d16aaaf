import { strict as assert } from 'node:assert'

/** Counts for which the table is exact. */
export const MAX_TABLED_COUNT = 255

/**
 * A mean below which `count` or more events are unlikely: the table's, and beyond it the last one's in proportion, which is never too large.
 *
 * Proof. P(X >= k) at mean m is P(G <= m), G of the gamma law with shape k; so `table[k] / k` is the alpha-quantile of G / k. For K > k the
 * densities of the two scaled laws have the ratio c (x e^-x)^(K-k), which rises up to 1 and falls from there, so they cross twice, on either
 * side of 1, and their distribution functions F_k and F_K once between. F_K(1) < F_k(1), since F_k(1) = P(X >= k at mean k) falls to 1/2
 * (Ramanujan's equation, Szegő 1928); so the functions cross beyond 1, and F_K <= F_k up to 1. For alpha below 1/2, `table[k] / k` lies
 * below 1: there F_K is at most alpha, so K or more events are unlikely at the mean K `table[k] / k`.
 */
export function unlikelyBelowAt(table: Float64Array, count: number): number {
  return count <= MAX_TABLED_COUNT ? table[count] : (table[MAX_TABLED_COUNT] * count) / MAX_TABLED_COUNT
}

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
