import {
  RiskError,
  type ExpectedRevision,
  type Ledger,
  type ProposedEntry,
  type ReadStreamOptions,
  type RecordedEntry,
  type SubscriptionMessage,
} from '@riskledger/contracts'

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
  /** All entries in the order in which they were committed: `$all`. */
  readonly all: RecordedEntry[] = []
  /** Asked before each append: what shall go wrong with it. */
  fault: (stream: string, entries: readonly ProposedEntry[]) => AppendFault = () => 'none'
  /** Awaited before each append takes effect: a test holds an append in flight with it. */
  gate: (stream: string, entries: readonly ProposedEntry[]) => Promise<void> = () => Promise.resolve()
  /** Largest append, in bytes of types, data and metadata. */
  maxAppendBytes = 1_048_576
  private readonly streams = new Map<string, RecordedEntry[]>()
  private waiting: (() => void)[] = []

  /** The entries of a stream, none where there is no such stream. */
  entriesOf(stream: string): readonly RecordedEntry[] {
    return this.streams.get(stream) ?? []
  }

  /** A ledger that holds what this one holds now, up to the first `count` commits. */
  copy(count = this.all.length): MemoryLedger {
    const copy = new MemoryLedger()
    for (const entry of this.all.slice(0, count)) copy.put(entry.stream, entry)
    return copy
  }

  async append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number> {
    await this.gate(stream, entries)
    const fault = this.fault(stream, entries)
    if (fault === 'unavailable') throw new RiskError('ledger-unavailable', 'the ledger does not answer', { retriable: true })
    if (fault === 'unknown-lost') throw new RiskError('append-outcome-unknown', 'no answer', { retriable: true })
    const revision = this.appendNow(stream, expected, entries)
    if (fault === 'unknown-written') throw new RiskError('append-outcome-unknown', 'no answer', { retriable: true })
    return revision
  }

  async *readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<RecordedEntry, void, undefined> {
    await Promise.resolve()
    const entries = this.streams.get(stream)
    if (entries === undefined) throw new RiskError('stream-not-found', `${stream} does not exist`, { retriable: false })
    const { from, direction, maxCount = Infinity } = options
    const step = direction === 'forwards' ? 1 : -1
    const start = from === 'start' ? 0 : from === 'end' ? entries.length - 1 : from
    let given = 0
    for (let at = start; at >= 0 && at < entries.length && given < maxCount; at += step, given++) yield entries[at]
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
        this.waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  private appendNow(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): number {
    let bytes = 0
    for (const entry of entries) bytes += entry.data.length + entry.metadata.length + Buffer.byteLength(entry.type)
    if (bytes > this.maxAppendBytes) {
      throw new RiskError('append-too-large', `${bytes} bytes; the limit is ${this.maxAppendBytes}`, { retriable: false })
    }
    const held = this.streams.get(stream) ?? []
    const base = expected === 'no-stream' ? -1 : expected
    if (base > held.length - 1) throw wrongRevision(stream, held.length - 1, base)
    if (base < held.length - 1) {
      const repeated = entries.length > 0 && entries.every((entry, index) => held[base + 1 + index]?.id === entry.id)
      if (!repeated) throw wrongRevision(stream, held.length - 1, base)
      return base + entries.length
    }
    for (const entry of entries) this.put(stream, entry)
    return base + entries.length
  }

  private put(stream: string, entry: ProposedEntry): void {
    const held = this.streams.get(stream) ?? []
    this.streams.set(stream, held)
    const commit = BigInt(this.all.length)
    const { id, type, contentType } = entry
    const data = Uint8Array.prototype.slice.call(entry.data)
    const metadata = Uint8Array.prototype.slice.call(entry.metadata)
    const recorded = {
      id,
      type,
      contentType,
      data,
      metadata,
      stream,
      revision: held.length,
      createdMs: 0,
      position: { commit, prepare: commit },
    }
    held.push(recorded)
    this.all.push(recorded)
    const waiting = this.waiting
    this.waiting = []
    for (const wake of waiting) wake()
  }
}

function wrongRevision(stream: string, at: number, expected: number): RiskError {
  return new RiskError('wrong-expected-revision', `${stream} is at ${at}, not at ${expected}`, { retriable: false })
}

function hasPrefix(stream: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => stream.startsWith(prefix))
}
