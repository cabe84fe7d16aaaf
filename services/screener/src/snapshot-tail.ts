import { lastEntry, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import type { JournalFold } from '@riskledger/screening'
import { isWorthAThread } from './entries-beyond'
import type { WorkerOptions } from './partition-worker'

/** The entries beyond the newest snapshot, read while the snapshot's state is still being loaded. */
export class SnapshotTail implements AsyncIterable<CheckedEntry> {
  private readonly first: Promise<IteratorResult<CheckedEntry, unknown>>

  constructor(
    readonly head: ChainHead,
    private readonly source: AsyncIterator<CheckedEntry, unknown, unknown>,
  ) {
    this.first = source.next()
    // Whoever reads sees the rejection.
    this.first.catch(() => undefined)
  }

  /** Begins with the newest snapshot's; null where there is none, or few entries beyond it. */
  static async begin(
    stream: string,
    { ledger, snapshots, entriesAhead, engineHash }: Pick<WorkerOptions, 'ledger' | 'snapshots' | 'entriesAhead' | 'engineHash'>,
  ): Promise<SnapshotTail | null> {
    if (snapshots === null || entriesAhead === undefined) return null
    const place = await snapshots.newest(stream)
    if (place === null || place.stream !== stream || place.formatHash !== engineHash) return null
    const { revision, entryHash } = place
    const last = await lastEntry(ledger, stream)
    if (last === null || !isWorthAThread({ entries: last.recorded.revision - revision })) return null
    const head = { stream, revision, entryHash }
    return new SnapshotTail(head, entriesAhead(head)[Symbol.asyncIterator]())
  }

  /** True where these are the entries beyond the fold. */
  continues({ head }: Pick<JournalFold, 'head'>): boolean {
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
