import type { Ledger } from '@riskledger/contracts'
import { lastEntry, peekAt, peekBackwards, type PeekedEntry } from './entry-at'

/**
 * The `InputsScreened` entry of a screening stream that holds the input with this sequence, or null where none does, or there is no such stream.
 * Looks in ever smaller halves of the stream: about twenty reads in a million entries. Throws `ledger-corrupt`.
 */
export async function batchOfSequence(ledger: Ledger, stream: string, sequence: number): Promise<PeekedEntry | null> {
  let low = 0
  let high = (await lastEntry(ledger, stream))?.recorded.revision ?? -1
  while (low <= high) {
    const middle = Math.floor((low + high) / 2)
    let at = await peekAt(ledger, stream, middle)
    if (at.recorded.type !== 'InputsScreened') {
      for await (const earlier of peekBackwards(ledger, stream, middle)) {
        at = earlier
        if (earlier.recorded.type === 'InputsScreened' || earlier.recorded.revision <= low) break
      }
    }
    const { firstSequence, lastSequence } = at.metadata
    if (at.recorded.type !== 'InputsScreened' || sequence > lastSequence!) low = middle + 1
    else if (sequence < firstSequence!) high = at.recorded.revision - 1
    else return at
  }
  return null
}
