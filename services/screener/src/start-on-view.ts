import type { EventLog } from '@riskledger/contracts'
import type { SharedEventLog } from '@riskledger/runtime'
import type { PartitionWorker } from './partition-worker'

/**
 * Starts a worker on a view of the log that is its own: closed as soon as the worker is told to stop, so that a fetch which waits for a log that does not answer holds up
 * nobody, and once it has ended or could not be started.
 */
export async function startOnView(
  shared: Pick<SharedEventLog, 'view'>,
  start: (log: EventLog) => Promise<PartitionWorker>,
): Promise<PartitionWorker> {
  const log = shared.view()
  const close = (): void => void log.close()
  try {
    const worker = await start(log)
    worker.done.then(close, close)
    const stop = worker.stop.bind(worker)
    return Object.assign(worker, {
      stop: () => {
        const stopped = stop()
        // After the loop has heard of it: what its fetch is cancelled with is no failure then.
        close()
        return stopped
      },
    })
  } catch (error) {
    await log.close()
    throw error
  }
}
