import type { Logger, Metrics, SnapshotStore } from '@riskledger/contracts'
import type { ChainHead } from '@riskledger/journal'
import type { WorkerState } from '@riskledger/screening'
import type { SnapshotRoom } from './snapshot-room'
import type { WorkerPace } from './worker-pace'

/** After its own snapshot a partition lets the others of its process go first for so long. */
const AFTER_OTHERS_MS = 1_000

export interface SnapshotTakerOptions {
  readonly snapshots: SnapshotStore
  /** The takers of a process's partitions share one. */
  readonly room: SnapshotRoom
  readonly engineHash: string
  /** Inputs that the journal holds beyond the snapshot that the state began with: they count as screened since. */
  readonly foldedInputs: number
  readonly pace: Pick<WorkerPace, 'snapshotInputs' | 'snapshotSpacingMs'>
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
}

/**
 * Takes snapshots of a partition's state while it goes on: the state is copied between two batches, at the speed of memory, for whoever saves it. Taken
 * once `snapshotInputs` were screened since the last, but never while one of the process is still being saved, nor within `snapshotSpacingMs` of it, nor
 * before the memory for it is there.
 *
 * A snapshot may stand at an entry that is not in the ledger yet; one whose entry never comes is passed over at the next start. One that cannot be saved is logged,
 * counted in `riskledger_snapshots_failed_total`, and tried again when the next is due: the journal has everything.
 */
export class SnapshotTaker {
  private sinceLast: number
  private prepared = false
  private notBeforeMs = -Infinity

  constructor(private readonly options: SnapshotTakerOptions) {
    this.sinceLast = options.foldedInputs
  }

  /** Tells of inputs that were screened. */
  screened(inputs: number): void {
    this.sinceLast += inputs
  }

  /** Copies the state at `head`, where a snapshot is due, and lets it be saved. */
  async takeIfDue(head: ChainHead, state: WorkerState): Promise<void> {
    const { pace, room } = this.options
    if (this.sinceLast < pace.snapshotInputs / 2) return
    if (!this.prepared) this.prepare(state)
    if (this.sinceLast < pace.snapshotInputs) return
    if (pace.snapshotSpacingMs !== undefined && !this.isItsTurn()) return
    while (room.isSaving) await room.whenSaved()
    this.sinceLast = 0
    this.prepared = false
    void this.take(head, state)
  }

  private isItsTurn(): boolean {
    const { room, nowMs } = this.options
    return !room.isSaving && !room.isPrefaulting && nowMs() >= Math.max(room.notBeforeMs, this.notBeforeMs)
  }

  private prepare(state: WorkerState): void {
    this.prepared = true
    try {
      this.options.room.prepareFor(state)
    } catch (error) {
      this.failed(error)
    }
  }

  private failed(error: unknown): void {
    this.options.metrics.count('riskledger_snapshots_failed_total', 1)
    this.options.logger.warn('no snapshot could be taken; a restart folds more of the journal', { reason: (error as Error).message })
  }

  /** The copy is there when it returns; what follows is told of here. */
  private async take({ stream, revision, entryHash }: ChainHead, state: WorkerState): Promise<void> {
    const { snapshots, room, engineHash, metrics, nowMs } = this.options
    try {
      const beganMs = nowMs()
      const saved = room.copy(state, (bytes) =>
        snapshots.save(stream, { stream, revision, entryHash, formatHash: engineHash, state: bytes }),
      )
      metrics.duration('riskledger_snapshot_copy_seconds', (nowMs() - beganMs) / 1_000)
      this.notBeforeMs = room.notBeforeMs + AFTER_OTHERS_MS
      await saved
    } catch (error) {
      return this.failed(error)
    }
    this.options.crashPoint('snapshot-written')
  }
}
