/** One append on its way into the store. */
export interface StoredAppend {
  readonly position: number
  readonly streamNumber: number
  readonly firstRevision: number
  /** Set where this append begins the stream: the number is then bound to the name in the same transaction. */
  readonly newStream: string | undefined
  readonly record: Buffer
}

/** What became of one transaction; `flushed` implies `committed`. Both reject where it failed, and then nothing of it is stored. */
export interface WriteProgress {
  /** Visible to the reads below, not yet safe from a power loss. */
  readonly committed: Promise<void>
  /** Safe from a power loss. */
  readonly flushed: Promise<void>
}

/**
 * What the server needs of a disk. Reads are synchronous and see what is committed. The server acknowledges an append, and
 * shows it to readers, only after `flushed`.
 */
export interface LedgerStorage {
  /** Writes all appends in one transaction. Transactions take effect in the order of the calls. */
  write(appends: readonly StoredAppend[]): WriteProgress
  /** The record that begins at exactly this position. */
  recordAt(position: number): Buffer | undefined
  /** Position of the last record that begins at or before `position`; undefined where there is none. */
  positionAtOrBefore(position: number): number | undefined
  /** Position of the first record that begins at or after `position`. */
  positionAtOrAfter(position: number): number | undefined
  streamNumber(stream: string): number | undefined
  /** The largest stream number given so far; 0 where there is none. */
  lastStreamNumber(): number
  /** The stream's last append that begins at or before the revision. */
  appendAtOrBefore(streamNumber: number, revision: number): { readonly firstRevision: number; readonly position: number } | undefined
  close(): Promise<void>
}
