import type { Ledger } from '@riskledger/contracts'
import { openEntry, type OpenResult } from './open-entry'
import type { ChainHead } from './seal-entry'

/** An entry of a hash-chained stream as it was found. */
export interface CheckedEntry {
  readonly revision: number
  readonly opened: OpenResult
}

/**
 * The entries of a stream after `head`, each checked against the one before it. The first faulty one is the last: what follows hangs on it.
 * Throws `stream-not-found` and what else reading a ledger throws.
 */
export async function* checkedEntries(ledger: Ledger, head: ChainHead): AsyncGenerator<CheckedEntry, void, undefined> {
  let previous = head
  for await (const recorded of ledger.readStream(head.stream, { from: head.revision + 1, direction: 'forwards' })) {
    const opened = openEntry(previous, recorded)
    yield { revision: recorded.revision, opened }
    if (opened.kind === 'faulty') return
    previous = opened.entry.head
  }
}
