import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import type { Caller, PendingCalls } from './pending-calls'

/** Snapshots that a store keeps of a name. */
const KEPT = 2

/** The snapshots on the disk of one machine: they may be lost, or be older than those of another machine. */
export class SimulatedSnapshots {
  private readonly kept = new Map<string, readonly Snapshot[]>()

  constructor(private readonly calls: PendingCalls) {}

  /** How many there are in all. */
  get count(): number {
    let count = 0
    for (const kept of this.kept.values()) count += kept.length
    return count
  }

  /** Keeps only what `keep` says, as damage does. */
  spoil(keep: (kept: readonly Snapshot[]) => readonly Snapshot[]): void {
    for (const [name, kept] of this.kept) this.kept.set(name, keep(kept))
  }

  /** The store as one process sees it. */
  clientOf(caller: Caller): SnapshotStore {
    const { calls } = this
    return {
      save: (name, snapshot) => {
        const copy = { ...snapshot, state: snapshot.state.slice() }
        const act = (): void => {
          this.kept.set(name, [copy, ...(this.kept.get(name) ?? [])].slice(0, KEPT))
        }
        return calls.ask({ caller, kind: 'save', text: `save ${name}@${snapshot.revision}`, act })
      },
      load: (name) => this.load(name, caller),
      newest: (name) => calls.ask({ caller, kind: 'load', text: `newest ${name}`, act: () => this.kept.get(name)?.[0] ?? null }),
      close: () => Promise.resolve(),
    }
  }

  private async *load(name: string, caller: Caller): AsyncGenerator<Snapshot, void, undefined> {
    yield* await this.calls.ask({ caller, kind: 'load', text: `load ${name}`, act: () => this.kept.get(name) ?? [] })
  }
}
