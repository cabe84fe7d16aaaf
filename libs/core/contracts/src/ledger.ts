/** An entry on its way into the ledger. */
export interface ProposedEntry {
  /** UUID derived from the content and its place: equal ids must mean equal bytes. */
  readonly id: string
  readonly type: string
  /** `json`: `data` is canonical JSON in UTF-8. `binary`: any bytes. */
  readonly contentType: 'json' | 'binary'
  readonly data: Uint8Array
  /** Canonical JSON in UTF-8. */
  readonly metadata: Uint8Array
}

/** An entry as the ledger gives it back; JSON comes back byte for byte in canonical form. */
export interface RecordedEntry extends ProposedEntry {
  readonly stream: string
  readonly revision: number
  /** Set by the ledger's clock; never used by core. */
  readonly createdMs: number
  /** Position in `$all`; undefined where the ledger does not tell it. */
  readonly position?: { readonly commit: bigint; readonly prepare: bigint }
}

/** What a stream must look like for an append: its last revision, or that it does not exist. Never "any". */
export type ExpectedRevision = number | 'no-stream'

export interface ReadStreamOptions {
  readonly from: number | 'start' | 'end'
  readonly direction: 'forwards' | 'backwards'
  /** Default: all of it. */
  readonly maxCount?: number
}

/** What a subscription delivers; `caught-up` comes once history is exhausted, and again after falling behind. */
export type SubscriptionMessage =
  | { readonly kind: 'entry'; readonly entry: RecordedEntry }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'checkpoint'; readonly position: { readonly commit: bigint; readonly prepare: bigint } }

/**
 * The append-only ledger, as EventStoreDB promises it. One append is atomic for its stream. Errors are `RiskError`s:
 * `wrong-expected-revision`, `append-too-large`, `stream-deleted`, `stream-not-found`, `append-outcome-unknown` (retriable:
 * send the same bytes, ids and expected revision again), `ledger-unavailable` (retriable), `ledger-corrupt`.
 */
export interface Ledger {
  /** Resolves to the revision of the last entry once it is durable. */
  append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number>
  /** Throws `stream-not-found` where there is none. */
  readStream(stream: string, options: ReadStreamOptions): AsyncIterable<RecordedEntry>
  /** Reads `$all` forwards from its start, only streams whose name begins with one of the prefixes. */
  readAll(options: { readonly streamPrefixes: readonly string[] }): AsyncIterable<RecordedEntry>
  /** Follows one stream from after the revision given (`'start'`: from its first entry), also one that does not exist yet; ends without error when `signal` aborts. */
  subscribeToStream(
    stream: string,
    options: { readonly after: number | 'start'; readonly signal: AbortSignal },
  ): AsyncIterable<SubscriptionMessage>
  /** Follows `$all` with a stream-name prefix filter. */
  subscribeToAll(options: {
    readonly after: { readonly commit: bigint; readonly prepare: bigint } | 'start'
    readonly streamPrefixes: readonly string[]
    readonly signal: AbortSignal
  }): AsyncIterable<SubscriptionMessage>
  close(): Promise<void>
}
