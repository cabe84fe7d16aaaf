/** What a change may do inside a transaction; sees its own writes. */
export interface LogTransaction {
  /** A private copy of the value, or undefined. */
  get(key: Uint8Array): Uint8Array | undefined
  put(key: Uint8Array, value: Uint8Array): void
  remove(key: Uint8Array): void
  /** Keys in `[from, to)`, ascending, at most `limit` of them. */
  keys(from: Uint8Array, to: Uint8Array, limit: number): readonly Uint8Array[]
}

/**
 * The storage under the log: an ordered map from bytes to bytes with durable transactions. LMDB implements it; tests put one
 * under the log that loses power. Readers see only what is durable, never a transaction that has not been flushed.
 */
export interface LogStore {
  /** Makes what other threads and processes have written since visible to the reads that follow. */
  refresh(): void
  /** A private copy of the value, or undefined. */
  get(key: Uint8Array): Uint8Array | undefined
  /** The greatest key that is not above the one given, or undefined. */
  floorKey(key: Uint8Array): Uint8Array | undefined
  /** Keys in `[from, to)`, ascending, at most `limit` of them. */
  keys(from: Uint8Array, to: Uint8Array, limit: number): readonly Uint8Array[]
  /** Puts the value there, durably, before anything else is written; at opening, where waiting for the disk is no harm. */
  initialise(key: Uint8Array, value: Uint8Array): void
  /**
   * Runs the change in one transaction and resolves once it is flushed. All or nothing: where the change or the commit throws, nothing of
   * it is seen. `onHandedOver` runs after the last write, before the commit.
   */
  write(change: (transaction: LogTransaction) => void, onHandedOver: () => void): Promise<void>
  close(): Promise<void>
}
