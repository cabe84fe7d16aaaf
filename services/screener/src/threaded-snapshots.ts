import type { Logger, Snapshot, SnapshotPlace, SnapshotStore } from '@riskledger/contracts'
import type { SnapshotThreadInput } from './snapshot-protocol'
import { SnapshotWorker, type SnapshotAnswer } from './snapshot-worker'

/**
 * A snapshot store in two threads: one that loads, which a start waits for, and one of low priority that saves, which nobody waits for: whoever decides goes first on cores that are
 * all busy. The latter starts with what is saved first. States that lie in shared memory are not copied on their way there. What is damaged is logged and left out. Errors are
 * the store's. Made, it starts the thread that loads; calls may come before it is `ready`, and `close` ends both. Where a thread died, the calls that it would answer reject with why, and the next save starts another one that saves.
 */
export class ThreadedSnapshots implements SnapshotStore {
  /** Resolves once the one that loads is there; rejects where the folder cannot be used. */
  readonly ready: Promise<unknown>
  private readonly loading: SnapshotWorker
  private saving: SnapshotWorker | null = null
  /** Asked for before anybody loads it. */
  private ahead: { readonly name: string; readonly answer: Promise<SnapshotAnswer> } | null = null
  private closed = false

  constructor(
    private readonly folder: string,
    private readonly logger: Logger,
  ) {
    this.loading = this.start({ inBackground: false })
    this.ready = this.loading.ready
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    await this.background().ask({ kind: 'save', name, snapshot })
  }

  async *load(name: string): AsyncGenerator<Snapshot, void, undefined> {
    for (let newer = 0; ; newer++) {
      const ahead = newer === 0 && this.ahead?.name === name ? this.ahead.answer : null
      if (ahead !== null) this.ahead = null
      const answer = await (ahead ?? this.loading.ask({ kind: 'load', name, newer }))
      if (answer.kind !== 'loaded' || answer.snapshot === null) return
      yield answer.snapshot
    }
  }

  /** Begins to load the newest of a name that is wanted next, and forgets another one that nobody came for: a state takes as much memory as it has bytes. */
  loadAhead(name: string | null): void {
    if (name === null) {
      this.ahead = null
      return
    }
    const answer = this.loading.ask({ kind: 'load', name, newer: 0 })
    // Whoever loads it sees the rejection.
    answer.catch(() => undefined)
    this.ahead = { name, answer }
  }

  async newest(name: string): Promise<SnapshotPlace | null> {
    const answer = await this.loading.ask({ kind: 'newest', name })
    return answer.kind === 'placed' ? answer.place : null
  }

  /** Faults pages of shared memory in while the caller goes on; what is in them stays. Resolves once all are there; rejects where the thread has ended. */
  async prefault(memory: SharedArrayBuffer, range: { readonly fromByte: number; readonly toByte: number }): Promise<void> {
    await this.loading.ask({ kind: 'prefault', memory, ...range })
  }

  async close(): Promise<void> {
    this.closed = true
    const ended = await Promise.allSettled([this.loading.stop(), this.saving?.stop()])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  }

  private background(): SnapshotWorker {
    if (this.closed) throw new Error('the snapshot store was closed')
    if (this.saving === null || this.saving.hasEnded) this.saving = this.start({ inBackground: true })
    return this.saving
  }

  private start({ inBackground }: Pick<SnapshotThreadInput, 'inBackground'>): SnapshotWorker {
    return new SnapshotWorker({ folder: this.folder, inBackground }, (damage) =>
      this.logger.warn('a damaged snapshot is left out', { ...damage }),
    )
  }
}
