import { assertNotRetrying } from '@riskledger/runtime'
import type { PartitionWorker } from './partition-worker'

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
  assertNotRetrying(running, nowMs)
  return `works ${running.size} of ${partitionCount} partitions`
}
