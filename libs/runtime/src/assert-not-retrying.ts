import type { Loop } from './start-loop'

/** Longest time for which a loop may try again what failed and count as at work: the restart of a ledger or a broker takes no longer. */
const MAX_RETRYING_MS = 10_000

/** Throws, with the reason in words, where the loop of a partition has tried the same in vain for more than ten seconds; `nowMs` by `performance.now`. */
export function assertNotRetrying(loops: ReadonlyMap<number, Pick<Loop, 'retrying'>>, nowMs: number): void {
  for (const [partition, { retrying }] of loops) {
    if (retrying === null || nowMs - retrying.sinceMs <= MAX_RETRYING_MS) continue
    const { part, sinceMs, reason } = retrying
    throw new Error(`partition ${partition}: ${part} has failed for ${Math.floor((nowMs - sinceMs) / 1_000)} s: ${reason}`)
  }
}
