import type { CheckedEntry } from '@riskledger/journal'
import { readAhead, threadModule } from '@riskledger/runtime'
import type { JournalItem, JournalThreadInput } from './journal-thread'

const JOURNAL_THREAD = threadModule(__dirname, { source: 'journal-thread.ts', bundled: 'journal-thread' })

/** The same as `checkedEntries` beyond a head, up to an entry or the journal's end; a thread of its own reads, inflates and checks ahead. */
export async function* entriesAhead(input: JournalThreadInput): AsyncGenerator<CheckedEntry, void, undefined> {
  for await (const item of readAhead<JournalItem>(JOURNAL_THREAD, { name: 'journal', input })) {
    const { revision } = item
    if (item.fault !== null) yield { revision, opened: { kind: 'faulty', reason: item.fault } }
    else yield { revision, opened: { kind: 'whole', entry: item } }
  }
}
