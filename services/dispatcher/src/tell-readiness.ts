import { assertNotRetrying, type Loop } from '@riskledger/runtime'

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
  assertNotRetrying(loops, nowMs)
  return `publishes ${partitionCount} partitions`
}
