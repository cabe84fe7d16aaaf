import type { AcceptedPolicy } from '@riskledger/policy'
import type { WorkerOptions } from './partition-worker'

/**
 * With which policies a partition is taken over in a process that was given some at its start, and was told of `activated` since (null: of none). Once there was one,
 * the policy of the start is no longer put into force: a journal goes on by its own until its worker is told of the one that was activated last.
 */
export function policiesToBegin(
  { policy, firstPolicy }: Pick<WorkerOptions, 'policy' | 'firstPolicy'>,
  activated: AcceptedPolicy | null,
): Pick<WorkerOptions, 'policy' | 'firstPolicy'> {
  return activated === null ? { policy, firstPolicy } : { policy: null, firstPolicy: policy ?? firstPolicy }
}
