import { RiskError } from '@riskledger/contracts'
import { aborted } from '@riskledger/runtime'

/** What `work` gives, or `cancelled` where `signal` aborts before that; the work itself goes on, and what comes of it is not heard. */
export function unlessStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const stopped = aborted(signal).then((): never => {
    throw new RiskError('cancelled', 'Stopped before it had come up; nothing is lost.', { retriable: false })
  })
  return Promise.race([work, stopped])
}
