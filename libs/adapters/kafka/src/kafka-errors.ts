import { RiskError } from '@riskledger/contracts'
import { accessFailureIn } from './access-failure'

/**
 * A failure towards the cluster, with what was tried. `cause` is kafkajs' error or one of its protocol. `log-unavailable`, which may pass; or
 * `configuration-invalid` that names the settings to look at, where user, password or certificates are refused.
 */
export function clusterFailure(
  what: string,
  { cause, context }: { readonly cause: unknown; readonly context: RiskError['context'] },
): RiskError {
  const access = accessFailureIn(cause)
  if (access !== null)
    return new RiskError('configuration-invalid', `${what}: ${access.what}. ${access.lookAt}.`, { retriable: false, cause, context })
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new RiskError(
    'log-unavailable',
    `${what}${detail}. Look whether the brokers run, can be reached, and speak TLS or not as --kafka-tls says; the same call may then be made again.`,
    {
      retriable: true,
      cause,
      context,
    },
  )
}

/** True of what kafkajs throws where the broker that it asked knows no such topic or partition. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION'
}

/** An offset that the log does not hold. */
export function offsetOutOfRange(
  place: { readonly topic: string; readonly partition: number; readonly offset: number },
  range: { readonly start: number; readonly end: number },
): RiskError {
  const { topic, partition, offset } = place
  return new RiskError(
    'offset-out-of-range',
    `Offset ${offset} of ${topic}, partition ${partition}, is outside of the log, which holds [${range.start}, ${range.end}). ` +
      (offset < range.start
        ? 'Records that were not read yet are gone: their retention ended, they were deleted, or the topic was made anew.'
        : 'The log ends before it: records were lost, or the topic was made anew.') +
      ' Nothing is skipped: restore the topic, or decide by hand what becomes of the partition.',
    { retriable: false, context: { topic, partition, offset, ...range } },
  )
}
