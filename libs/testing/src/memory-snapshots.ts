import type { Snapshot, SnapshotPlace, SnapshotStore } from '@riskledger/contracts'

/** Snapshots in memory: all that were saved, of each name the newest first. */
export class MemorySnapshots implements SnapshotStore {
  readonly saved = new Map<string, readonly Snapshot[]>()

  save(name: string, snapshot: Snapshot): Promise<void> {
    this.saved.set(name, [{ ...snapshot, state: snapshot.state.slice() }, ...(this.saved.get(name) ?? [])])
    return Promise.resolve()
  }

  async *load(name: string): AsyncGenerator<Snapshot, void, undefined> {
    await Promise.resolve()
    yield* this.saved.get(name) ?? []
  }

  newest(name: string): Promise<SnapshotPlace | null> {
    return Promise.resolve(this.saved.get(name)?.[0] ?? null)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
