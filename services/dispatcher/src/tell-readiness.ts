import type { Loop } from '@riskledger/runtime'

/** Longest time for which a partition may try again what failed and count as at work: the restart of a ledger or a broker takes no longer. */
const MAX_RETRYING_MS = 10_000

/** What readiness is told by. */
export interface ReadinessOptions {
  /** By partition, those at work. */
  readonly loops: ReadonlyMap<number, Pick<Loop, 'retrying'>>
  readonly partitionCount: number
  /** By `performance.now`. */
  readonly nowMs: number
}

/**
 * In words, what a dispatcher publishes that is ready: one that has every partition at work, and has tried none of their pulls and publications in vain for more
 * than ten seconds. Throws the reason where it is not.
 */
export function tellReadiness({ loops, partitionCount, nowMs }: ReadinessOptions): string {
  if (loops.size < partitionCount) throw new Error(`${loops.size} of ${partitionCount} partitions are at work yet`)
  for (const [partition, { retrying }] of loops) {
    if (retrying === null || nowMs - retrying.sinceMs <= MAX_RETRYING_MS) continue
    const { part, sinceMs, reason } = retrying
    throw new Error(`partition ${partition}: ${part} has failed for ${Math.floor((nowMs - sinceMs) / 1_000)} s: ${reason}`)
  }
  return `publishes ${partitionCount} partitions`
}
