import { dispatchPartition, type DispatcherOptions } from './dispatch-partition'

/**
 * Publishes what the journals decide, until `signal` aborts: `risk.verdicts`, one message for every input, and `risk.quarantine`, one for every
 * refused one. At least once, in the journal's order within each partition of the topics, hence in order per account; each partition's journal is
 * followed by itself and resumed from its own position, which moves once a call to the publisher has been answered. A kill at any moment repeats at
 * most that one call (1,000 messages), with the same ids in the header `riskledger-id`.
 *
 * Resolves once everything that was read is published and its position kept. Rejects with the first error that ended a partition, after the others
 * have stopped: `ledger-corrupt`, `journal-mismatch`, `limit-reached` after retriable errors in a row, or what the ports throw.
 * One dispatcher to a ledger: a second one publishes everything again.
 */
export async function runDispatcher(options: DispatcherOptions): Promise<void> {
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const failures: Error[] = []
  await Promise.all(
    Array.from({ length: options.partitionCount }, async (_, partition) => {
      try {
        await dispatchPartition(partition, { ...options, signal })
      } catch (error) {
        failures.push(error as Error)
        ending.abort()
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
}
