import type { Transferable } from 'node:worker_threads'
import { checkedEntries, emptyHead } from '@riskledger/journal'
import { connectLedger } from '@riskledger/ledger'
import { runThread } from '@riskledger/runtime'
import { EntryPacker, type EntryPack } from './packed-entries'

/** What the journal thread is started with. */
export interface JournalThreadInput {
  readonly connectionString: string
  readonly stream: string
  /** Last revision to read; null: all there is. */
  readonly until: number | null
}

/** What the journal thread hands over, in order; after a faulty entry comes nothing. Each pack is answered with a `taken`. */
export type JournalMessage =
  { readonly kind: 'pack'; readonly pack: EntryPack } | { readonly kind: 'faulty'; readonly revision: number; readonly reason: string }

/** Packs that are handed over and not yet taken, at most: a few MiB, and never more than it takes to keep the other thread busy. */
const MAX_PACKS = 8

/** Reads a journal, inflates its entries and checks their chain, ahead of whoever goes on with them. */
runThread<JournalThreadInput>(async ({ input, signal, ready, post, onMessage }) => {
  const { connectionString, stream, until } = input
  const tell = (message: JournalMessage, transfer: readonly Transferable[] = []): void => post(message, transfer)
  const packer = new EntryPacker()
  let room = MAX_PACKS
  let wake = (): void => undefined
  onMessage(() => {
    room++
    wake()
  })
  signal.addEventListener('abort', () => wake())
  const handOver = async (): Promise<void> => {
    if (packer.empty) return
    while (room === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
    room--
    const pack = packer.take()
    tell({ kind: 'pack', pack }, [pack.bytes])
  }

  const ledger = await connectLedger({ connectionString })
  ready()
  try {
    for await (const { revision, opened } of checkedEntries(ledger, emptyHead(stream))) {
      if (signal.aborted || (until !== null && revision > until)) break
      if (opened.kind === 'faulty') {
        await handOver()
        return tell({ kind: 'faulty', revision, reason: opened.reason })
      }
      packer.add(opened.entry)
      if (packer.full) await handOver()
    }
    await handOver()
  } finally {
    await ledger.close()
  }
})
