import { RiskError, type ExpectedRevision, type ProposedEntry, type RecordedEntry } from '@riskledger/contracts'

/**
 * The streams of a ledger in memory, with EventStoreDB's rules of append: exact expected revisions only; a repeated append is told success where
 * the ids at its place equal its own, whatever the content, and `wrong-expected-revision` where they do not. Bytes are copied on their way in.
 */
export class LedgerStreams {
  /** All entries in the order in which they were committed: `$all`. */
  readonly all: RecordedEntry[] = []
  /** Largest append, in bytes of types, data and metadata. */
  maxAppendBytes = 1_048_576
  private readonly streams = new Map<string, RecordedEntry[]>()

  /** The entries of a stream, none where there is no such stream. */
  entriesOf(stream: string): readonly RecordedEntry[] {
    return this.streams.get(stream) ?? []
  }

  /** True where the stream exists. */
  has(stream: string): boolean {
    return this.streams.has(stream)
  }

  /** Appends atomically and gives the revision of the last entry, or throws what EventStoreDB would refuse with. */
  append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): number {
    let bytes = 0
    for (const entry of entries) bytes += entry.data.length + entry.metadata.length + Buffer.byteLength(entry.type)
    if (bytes > this.maxAppendBytes) {
      throw new RiskError('append-too-large', `${bytes} bytes; the limit is ${this.maxAppendBytes}`, { retriable: false })
    }
    const held = this.entriesOf(stream)
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

  /** Puts an entry at its stream's end, whatever anybody expects. */
  put(stream: string, entry: ProposedEntry): void {
    const held = this.streams.get(stream) ?? []
    this.streams.set(stream, held)
    const commit = BigInt(this.all.length)
    const { id, type, contentType } = entry
    const data = Uint8Array.prototype.slice.call(entry.data)
    const metadata = Uint8Array.prototype.slice.call(entry.metadata)
    const position = { commit, prepare: commit }
    const recorded = { id, type, contentType, data, metadata, stream, revision: held.length, createdMs: 0, position }
    held.push(recorded)
    this.all.push(recorded)
  }

  /** Part of a stream, as `readStream` asks for it; throws `stream-not-found` where there is none. */
  read(
    stream: string,
    from: number | 'start' | 'end',
    options: { readonly direction: 'forwards' | 'backwards'; readonly count: number },
  ): RecordedEntry[] {
    const entries = this.streams.get(stream)
    if (entries === undefined) throw new RiskError('stream-not-found', `${stream} does not exist`, { retriable: false })
    const step = options.direction === 'forwards' ? 1 : -1
    const read: RecordedEntry[] = []
    let at = from === 'start' ? 0 : from === 'end' ? entries.length - 1 : from
    for (; at >= 0 && at < entries.length && read.length < options.count; at += step) read.push(entries[at])
    return read
  }
}

function wrongRevision(stream: string, at: number, expected: number): RiskError {
  return new RiskError('wrong-expected-revision', `${stream} is at ${at}, not at ${expected}`, { retriable: false })
}
