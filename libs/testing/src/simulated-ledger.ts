import type { ExpectedRevision, Ledger, ProposedEntry, ReadStreamOptions, RecordedEntry, SubscriptionMessage } from '@riskledger/contracts'
import { LedgerStreams } from './ledger-streams'
import type { AppendRequest, Caller, PendingCalls } from './pending-calls'

/** Entries that one answer of a read carries, and messages that one answer of a subscription carries at most. */
const PAGE = 12
const MESSAGES = 4

/**
 * A ledger whose every call waits until the driver of the simulation lets it take effect and lets that be heard. EventStoreDB's rules of append
 * are those of `LedgerStreams`; a subscription delivers each entry once, in order, as late as the driver likes.
 */
export class SimulatedLedger {
  readonly streams = new LedgerStreams()
  /** Who wrote each entry, by its place in `$all`. */
  readonly authors: string[] = []

  constructor(private readonly calls: PendingCalls) {}

  /** An append takes effect now. */
  land({ author, stream, expected, entries }: AppendRequest): number {
    const revision = this.streams.append(stream, expected, entries)
    while (this.authors.length < this.streams.all.length) this.authors.push(author)
    return revision
  }

  /** The ledger as one process sees it. */
  clientOf(caller: Caller): Ledger {
    return new LedgerClient(this, caller, this.calls)
  }
}

class LedgerClient implements Ledger {
  constructor(
    private readonly ledger: SimulatedLedger,
    private readonly caller: Caller,
    private readonly calls: PendingCalls,
  ) {}

  append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number> {
    const { caller } = this
    const append: AppendRequest = { author: caller.name, stream, expected, entries: entries.map(copyOf) }
    const text = `append ${stream}@${expected} ${entries.map((entry) => entry.type).join('+')}`
    return this.calls.ask({ caller, kind: 'append', text, append, act: () => this.ledger.land(append) })
  }

  async *readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<RecordedEntry, void, undefined> {
    const { direction, maxCount = Infinity } = options
    let from = options.from
    for (let left = maxCount; left > 0;) {
      const count = Math.min(PAGE, left)
      const at = from
      const act = (): RecordedEntry[] => this.ledger.streams.read(stream, at, { direction, count })
      const page = await this.calls.ask({ caller: this.caller, kind: 'read', text: `read ${stream}@${at} ${direction}`, act })
      yield* page
      if (page.length < count) return
      left -= page.length
      from = page[page.length - 1].revision + (direction === 'forwards' ? 1 : -1)
      if (from < 0) return
    }
  }

  async *readAll(options: { readonly streamPrefixes: readonly string[] }): AsyncGenerator<RecordedEntry, void, undefined> {
    const act = (): RecordedEntry[] => this.ledger.streams.all.filter((entry) => hasPrefix(entry.stream, options.streamPrefixes))
    yield* await this.calls.ask({ caller: this.caller, kind: 'read', text: `read $all ${options.streamPrefixes.join()}`, act })
  }

  subscribeToStream(
    stream: string,
    options: { readonly after: number | 'start'; readonly signal: AbortSignal },
  ): AsyncIterable<SubscriptionMessage> {
    const after = options.after === 'start' ? -1 : options.after
    return this.follow(stream, options.signal, (entry) => entry.stream === stream && entry.revision > after)
  }

  subscribeToAll(options: {
    readonly after: { readonly commit: bigint; readonly prepare: bigint } | 'start'
    readonly streamPrefixes: readonly string[]
    readonly signal: AbortSignal
  }): AsyncIterable<SubscriptionMessage> {
    const after = options.after === 'start' ? -1n : options.after.commit
    const wants = (entry: RecordedEntry): boolean => entry.position!.commit > after && hasPrefix(entry.stream, options.streamPrefixes)
    return this.follow(`$all ${options.streamPrefixes.join()}`, options.signal, wants)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async *follow(
    name: string,
    signal: AbortSignal,
    wants: (entry: RecordedEntry) => boolean,
  ): AsyncGenerator<SubscriptionMessage, void, undefined> {
    const { all } = this.ledger.streams
    let at = 0
    let toldCaughtUp = false
    const next = (): void => {
      while (at < all.length && !wants(all[at])) at++
    }
    const ready = (): boolean => {
      next()
      return at < all.length || !toldCaughtUp
    }
    const act = (): SubscriptionMessage[] => {
      const messages: SubscriptionMessage[] = []
      for (next(); at < all.length && messages.length < MESSAGES; next()) messages.push({ kind: 'entry', entry: all[at++] })
      if (at === all.length) messages.push({ kind: 'caught-up' })
      toldCaughtUp = at === all.length
      return messages
    }
    while (!signal.aborted) {
      const request = { caller: this.caller, kind: 'subscription' as const, text: `follow ${name}`, act, ready }
      const messages = await this.calls.askUntil<SubscriptionMessage[]>(request, signal, (call) => call.resolveWith([]))
      for (const message of messages) {
        if (signal.aborted) return
        yield message
      }
    }
  }
}

function copyOf(entry: ProposedEntry): ProposedEntry {
  return { ...entry, data: entry.data.slice(), metadata: entry.metadata.slice() }
}

function hasPrefix(stream: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => stream.startsWith(prefix))
}
