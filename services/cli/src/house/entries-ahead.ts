import type { RecordedEntry } from '@riskledger/contracts'
import type { CheckedEntry } from '@riskledger/journal'
import { threadModule } from '@riskledger/runtime'
import type { JournalItem, JournalThreadInput } from '../threads/journal-thread'
import type { RecordItem, RecordsThreadInput } from '../threads/records-thread'
import { readAhead } from './read-ahead'

const JOURNAL_THREAD = threadModule(__dirname, { source: '../threads/journal-thread.ts', bundled: 'journal-thread' })
const RECORDS_THREAD = threadModule(__dirname, { source: '../threads/records-thread.ts', bundled: 'records-thread' })

/** The same as `checkedEntries` from a journal's beginning; a thread of its own reads, inflates and checks ahead. */
export async function* entriesAhead(input: JournalThreadInput): AsyncGenerator<CheckedEntry, void, undefined> {
  for await (const item of readAhead<JournalItem>(JOURNAL_THREAD, { name: 'journal', input })) {
    const { revision } = item
    if (item.fault !== null) yield { revision, opened: { kind: 'faulty', reason: item.fault } }
    else yield { revision, opened: { kind: 'whole', entry: item } }
  }
}

/** The same as the ledger's `readAll`; a thread of its own reads ahead. */
export async function* recordsAhead(input: RecordsThreadInput): AsyncGenerator<RecordedEntry, void, undefined> {
  for await (const { metadata, ...rest } of readAhead<RecordItem>(RECORDS_THREAD, { name: 'records', input })) {
    yield { ...rest, metadata: Buffer.from(metadata, 'latin1') }
  }
}
