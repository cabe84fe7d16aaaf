import { checkedEntries, type ChainHead, type OpenedEntry } from '@riskledger/journal'
import { connectLedger } from '@riskledger/ledger'
import { HandOver, runThread } from '@riskledger/runtime'

/** What the journal thread is started with. */
export interface JournalThreadInput {
  readonly connectionString: string
  /** Entries beyond it. */
  readonly after: ChainHead
  /** Last revision to read; null: all there is. */
  readonly until: number | null
}

/** What the journal thread hands over, in order; a faulty entry, which has no data, is the last. */
export type JournalItem =
  (OpenedEntry & { readonly fault: null }) | { readonly revision: number; readonly fault: string; readonly data: Uint8Array }

const NO_DATA = new Uint8Array(0)

/** Reads a journal, inflates its entries and checks their chain, ahead of whoever goes on with them. */
runThread<JournalThreadInput>(async ({ input, ready, ...context }) => {
  const { connectionString, after, until } = input
  const handOver = new HandOver<JournalItem>(context)
  const ledger = await connectLedger({ connectionString, signal: context.signal })
  ready()
  try {
    for await (const { revision, opened } of checkedEntries(ledger, after)) {
      if (context.signal.aborted || (until !== null && revision > until)) break
      await handOver.add(opened.kind === 'whole' ? { ...opened.entry, fault: null } : { revision, fault: opened.reason, data: NO_DATA })
    }
  } finally {
    await handOver.flush()
    await ledger.close()
  }
})
