import type { RecordedEntry } from '@riskledger/contracts'
import { readAhead, threadModule } from '@riskledger/runtime'
import type { RecordItem, RecordsThreadInput } from '../threads/records-thread'

const RECORDS_THREAD = threadModule(__dirname, { source: '../threads/records-thread.ts', bundled: 'records-thread' })

/** The same as the ledger's `readAll`; a thread of its own reads ahead. */
export async function* recordsAhead(input: RecordsThreadInput): AsyncGenerator<RecordedEntry, void, undefined> {
  for await (const { metadata, ...rest } of readAhead<RecordItem>(RECORDS_THREAD, { name: 'records', input })) {
    yield { ...rest, metadata: Buffer.from(metadata, 'latin1') }
  }
}
