/** Bytes of the largest state that is kept: its length takes 31 bits. */
export const MOST_STATE_BYTES = 0x7fffffff

/** Where a snapshot stands, and whose it is. */
export interface SnapshotPlace {
  /** Stream and revision of the last journal entry that the state has taken in. */
  readonly stream: string
  readonly revision: number
  /** Hash of that entry: a snapshot whose entry the journal lacks is discarded. */
  readonly entryHash: string
  /** Hash of the code that wrote it; other code discards it. */
  readonly formatHash: string
}

/** A state kept so that a restart need not fold whole journals. A cache: it may vanish at any time. */
export interface Snapshot extends SnapshotPlace {
  readonly state: Uint8Array
}

/** Keeps the newest snapshots of each name: of a partition's stream, or of relations. */
export interface SnapshotStore {
  /** Resolves once durable; keeps the newest two of a name. Until it settles the state is read and must stay as it is. */
  save(name: string, snapshot: Snapshot): Promise<void>
  /** Newest first, each read when it is asked for; what is damaged (its checksum differs) is left out. */
  load(name: string): AsyncIterable<Snapshot>
  /** Place of the newest, without its state; null where there is none that can be read. It may be damaged all the same: `load` begins with another then. Rejects only where the store is gone. */
  newest(name: string): Promise<SnapshotPlace | null>
  close(): Promise<void>
}
