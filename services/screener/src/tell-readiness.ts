import type { PartitionWorker } from './partition-worker'

/** Longest time for which a worker may try again what failed and count as at work: the restart of a ledger or a broker takes no longer. */
const MAX_RETRYING_MS = 10_000

/** What readiness is told by. */
export interface ReadinessOptions {
  /** False until the partitions of this process are known; a member of a group may be given none. */
  readonly isAssigned: boolean
  readonly workers: {
    readonly missing: readonly number[]
    readonly running: ReadonlyMap<number, Pick<PartitionWorker, 'retrying'>>
  }
  readonly partitionCount: number
  /** By `performance.now`. */
  readonly nowMs: number
}

/**
 * In words, what a screener works that is ready: one that knows its partitions, has taken over each, and has tried none of their pulls and appends in vain for more
 * than ten seconds. Throws the reason where it is not.
 */
export function tellReadiness({ isAssigned, workers: { missing, running }, partitionCount, nowMs }: ReadinessOptions): string {
  if (!isAssigned) throw new Error('no partitions are assigned yet')
  if (missing.length > 0) throw new Error(`partitions ${missing.join(', ')} are being taken over`)
  for (const [partition, { retrying }] of running) {
    if (retrying === null || nowMs - retrying.sinceMs <= MAX_RETRYING_MS) continue
    const { part, sinceMs, reason } = retrying
    throw new Error(`partition ${partition}: ${part} has failed for ${Math.floor((nowMs - sinceMs) / 1_000)} s: ${reason}`)
  }
  return `works ${running.size} of ${partitionCount} partitions`
}
