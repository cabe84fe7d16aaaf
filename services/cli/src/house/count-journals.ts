import { RiskError, type Ledger } from '@riskledger/contracts'
import { partitionsStream } from '@riskledger/journal'

/**
 * How many partitions the journals of a ledger have, by its registry of journals. Throws `not-found` where the ledger has no journal of this environment.
 */
export async function countJournals(ledger: Ledger, environment: string): Promise<number> {
  const stream = partitionsStream(environment)
  try {
    for await (const entry of ledger.readStream(stream, { from: 'start', direction: 'forwards', maxCount: 1 })) {
      return (JSON.parse(Buffer.from(entry.data).toString('utf8')) as { partitionCount: number }).partitionCount
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  throw new RiskError(
    'not-found',
    `The ledger has no journal yet${environment === '' ? '' : ` under the prefix ${environment.slice(0, -1)}`}. Check --ledger and --prefix, and that a screener has begun.`,
    { retriable: false, context: { stream } },
  )
}
