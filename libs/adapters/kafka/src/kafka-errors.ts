import { RiskError } from '@riskledger/contracts'

/** A failure towards the cluster that may pass, with what was tried. `cause` is kafkajs' error or one of its protocol. */
export function unavailable(
  what: string,
  { cause, context }: { readonly cause: unknown; readonly context: RiskError['context'] },
): RiskError {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new RiskError(
    'log-unavailable',
    `${what}${detail}. Look whether the brokers run and can be reached; the same call may then be made again.`,
    {
      retriable: true,
      cause,
      context,
    },
  )
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
