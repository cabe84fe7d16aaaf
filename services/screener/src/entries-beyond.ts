import { lastEntry, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import type { JournalFold } from '@riskledger/screening'
import type { WorkerOptions } from './partition-worker'

/** With fewer entries and fewer inputs than these whoever reads a journal is done before a thread that reads ahead has started. */
const WORTH_A_THREAD = { entries: 1_000, inputs: 50_000 }
/** Of an entry, where the last one does not tell how many there are in all. */
const LIKELY_INPUTS = 500

/** Whether a thread of its own should read so much ahead; without `entries`, by the inputs alone. */
export function isWorthAThread({ entries = 0, inputs }: { readonly entries?: number; readonly inputs: number }): boolean {
  return entries >= WORTH_A_THREAD.entries || inputs >= WORTH_A_THREAD.inputs
}

/**
 * The entries beyond a fold, where somebody reads them ahead; nothing where there are few, so that the fold reads them itself. How many inputs they hold is
 * told by the last entry, where that is a batch.
 */
export async function entriesBeyond(
  { head, step }: Pick<JournalFold, 'head' | 'step'>,
  { ledger, entriesAhead }: Pick<WorkerOptions, 'ledger' | 'entriesAhead'>,
): Promise<{ readonly entries?: AsyncIterable<CheckedEntry> }> {
  if (entriesAhead === undefined) return {}
  const last = await lastEntry(ledger, head.stream)
  if (last === null) return {}
  const entries = last.recorded.revision - head.revision
  const { lastSequence } = last.metadata
  const inputs = lastSequence === undefined ? entries * LIKELY_INPUTS : lastSequence - (step === null ? 0 : step.nextSequence - 1)
  return isWorthAThread({ entries, inputs }) ? { entries: entriesAhead(head) } : {}
}

/** What lies beyond a snapshot, read while the snapshot's state is still being loaded. */
export class EntriesAhead implements AsyncIterable<CheckedEntry> {
  private readonly first: Promise<IteratorResult<CheckedEntry, unknown>>

  /** Begins to read. */
  constructor(
    readonly head: ChainHead,
    private readonly source: AsyncIterator<CheckedEntry, unknown, unknown>,
  ) {
    this.first = source.next()
    // Whoever reads sees the rejection.
    this.first.catch(() => undefined)
  }

  /** Where a snapshot promises much to read; null where there is none, or little beyond it. */
  static async beyondSnapshot(
    stream: string,
    { ledger, snapshots, entriesAhead, engineHash }: Pick<WorkerOptions, 'ledger' | 'snapshots' | 'entriesAhead' | 'engineHash'>,
  ): Promise<EntriesAhead | null> {
    if (snapshots === null || entriesAhead === undefined) return null
    const place = await snapshots.newest(stream)
    if (place === null || place.stream !== stream || place.formatHash !== engineHash) return null
    const { revision, entryHash } = place
    const last = await lastEntry(ledger, stream)
    if (last === null || !isWorthAThread({ entries: last.recorded.revision - revision, inputs: 0 })) return null
    const head = { stream, revision, entryHash }
    return new EntriesAhead(head, entriesAhead(head)[Symbol.asyncIterator]())
  }

  /** True where these are the entries beyond a fold. */
  follow({ head }: Pick<JournalFold, 'head'>): boolean {
    return head.revision === this.head.revision && head.entryHash === this.head.entryHash
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CheckedEntry, void, undefined> {
    try {
      for (let next = await this.first; next.done !== true; next = await this.source.next()) yield next.value
    } finally {
      await this.close()
    }
  }

  /** Stops reading; what it failed with nobody wants to hear. */
  async close(): Promise<void> {
    await Promise.allSettled([this.source.return?.()])
  }
}
