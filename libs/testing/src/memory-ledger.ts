import {
  RiskError,
  type ExpectedRevision,
  type Ledger,
  type ProposedEntry,
  type ReadStreamOptions,
  type RecordedEntry,
  type SubscriptionMessage,
} from '@riskledger/contracts'
import { LedgerStreams } from './ledger-streams'

/** What a test may do to an append: let it pass, refuse it, or lose its answer though it was written (or was not). */
export type AppendFault = 'none' | 'unavailable' | 'unknown-written' | 'unknown-lost'

interface Following {
  readonly wants: (entry: RecordedEntry) => boolean
  readonly signal: AbortSignal
}

/**
 * A ledger in memory with EventStoreDB's rules of append: exact expected revisions only; a repeated append is told success where the ids at
 * its place equal its own, and `wrong-expected-revision` where they do not. Bytes are copied on their way in. Deterministic: no timers.
 */
export class MemoryLedger implements Ledger {
  private readonly streams = new LedgerStreams()
  /** All entries in the order in which they were committed: `$all`. */
  readonly all = this.streams.all
  /** Asked before each append: what shall go wrong with it. */
  fault: (stream: string, entries: readonly ProposedEntry[]) => AppendFault = () => 'none'
  /** Awaited before each append takes effect: a test holds an append in flight with it. */
  gate: (stream: string, entries: readonly ProposedEntry[]) => Promise<void> = () => Promise.resolve()
  private waiting: (() => void)[] = []

  /** The entries of a stream, none where there is no such stream. */
  entriesOf(stream: string): readonly RecordedEntry[] {
    return this.streams.entriesOf(stream)
  }

  /** A ledger that holds what this one holds now, up to the first `count` commits. */
  copy(count = this.all.length): MemoryLedger {
    const copy = new MemoryLedger()
    for (const entry of this.all.slice(0, count)) copy.streams.put(entry.stream, entry)
    return copy
  }

  async append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number> {
    await this.gate(stream, entries)
    const fault = this.fault(stream, entries)
    if (fault === 'unavailable') throw new RiskError('ledger-unavailable', 'the ledger does not answer', { retriable: true })
    if (fault === 'unknown-lost') throw new RiskError('append-outcome-unknown', 'no answer', { retriable: true })
    const before = this.all.length
    const revision = this.streams.append(stream, expected, entries)
    if (this.all.length > before) this.wake()
    if (fault === 'unknown-written') throw new RiskError('append-outcome-unknown', 'no answer', { retriable: true })
    return revision
  }

  async *readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<RecordedEntry, void, undefined> {
    await Promise.resolve()
    const { from, direction, maxCount: count = Infinity } = options
    yield* this.streams.read(stream, from, { direction, count })
  }

  async *readAll(options: { readonly streamPrefixes: readonly string[] }): AsyncGenerator<RecordedEntry, void, undefined> {
    await Promise.resolve()
    for (const entry of [...this.all]) if (hasPrefix(entry.stream, options.streamPrefixes)) yield entry
  }

  subscribeToStream(
    stream: string,
    options: { readonly after: number | 'start'; readonly signal: AbortSignal },
  ): AsyncIterable<SubscriptionMessage> {
    const after = options.after === 'start' ? -1 : options.after
    return this.follow({ wants: (entry) => entry.stream === stream && entry.revision > after, signal: options.signal })
  }

  subscribeToAll(options: {
    readonly after: { readonly commit: bigint; readonly prepare: bigint } | 'start'
    readonly streamPrefixes: readonly string[]
    readonly signal: AbortSignal
  }): AsyncIterable<SubscriptionMessage> {
    const after = options.after === 'start' ? -1n : options.after.commit
    return this.follow({
      wants: (entry) => entry.position!.commit > after && hasPrefix(entry.stream, options.streamPrefixes),
      signal: options.signal,
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async *follow({ wants, signal }: Following): AsyncGenerator<SubscriptionMessage, void, undefined> {
    let at = 0
    let caughtUp = false
    while (!signal.aborted) {
      while (at < this.all.length && !signal.aborted) {
        const entry = this.all[at++]
        if (wants(entry)) yield { kind: 'entry', entry }
      }
      if (signal.aborted) return
      if (!caughtUp) {
        caughtUp = true
        yield { kind: 'caught-up' }
        continue
      }
      await new Promise<void>((resolve) => {
        const go = (): void => {
          signal.removeEventListener('abort', go)
          resolve()
        }
        this.waiting.push(go)
        signal.addEventListener('abort', go)
      })
    }
  }

  private wake(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const wake of waiting) wake()
  }
}

function hasPrefix(stream: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => stream.startsWith(prefix))
}
