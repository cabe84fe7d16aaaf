import type { Logger, Metrics, SnapshotStore } from '@riskledger/contracts'
import type { ChainHead } from '@riskledger/journal'
import type { WorkerState } from '@riskledger/screening'
import type { SnapshotRoom } from './snapshot-room'
import type { WorkerPace } from './worker-pace'

/** After its own snapshot a partition lets the others of its process go first for so long. */
const AFTER_OTHERS_MS = 1_000

/** What was screened: so many inputs, in so many entries of the journal. */
interface Screened {
  readonly inputs: number
  readonly entries: number
}

export interface SnapshotTakerOptions {
  readonly snapshots: Pick<SnapshotStore, 'save'>
  /** The takers of a process's partitions share one. */
  readonly room: SnapshotRoom
  readonly engineHash: string
  /** What the journal holds beyond the snapshot that the state began with: it counts as screened since. */
  readonly folded: Screened
  readonly pace: Pick<WorkerPace, 'snapshotInputs' | 'snapshotEntries' | 'snapshotSpacing'>
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
}

/**
 * Takes snapshots of a partition's state while it goes on: the state is copied between two batches, at the speed of memory, for whoever saves it. Taken
 * once `snapshotInputs` or `snapshotEntries` came since the last, but never while one of the process is still being saved, nor sooner than `snapshotSpacing`
 * allows, nor before the memory for it is there.
 *
 * A snapshot may stand at an entry that is not in the ledger yet; one whose entry never comes is passed over at the next start. One that cannot be saved is logged,
 * counted in `riskledger_snapshots_failed_total`, and tried again when the next is due: the journal has everything.
 */
export class SnapshotTaker {
  private inputsSince: number
  private entriesSince: number
  private prepared = false
  private notBeforeMs = -Infinity

  constructor(private readonly options: SnapshotTakerOptions) {
    this.inputsSince = options.folded.inputs
    this.entriesSince = options.folded.entries
  }

  /** Tells of what was screened. */
  screened({ inputs, entries }: Screened): void {
    this.inputsSince += inputs
    this.entriesSince += entries
  }

  /** From 1 on a snapshot is due. */
  private get due(): number {
    const { snapshotInputs, snapshotEntries = Infinity } = this.options.pace
    return Math.max(this.inputsSince / snapshotInputs, this.entriesSince / snapshotEntries)
  }

  /** Copies the state at `head`, where a snapshot is due, and lets it be saved. */
  async takeIfDue(head: ChainHead, state: WorkerState): Promise<void> {
    const { room } = this.options
    const { due } = this
    if (due < 0.5) return
    if (!this.prepared) this.prepare(state)
    if (due < 1 || !this.isItsTurn()) return
    while (room.isSaving) await room.whenSaved()
    this.inputsSince = 0
    this.entriesSince = 0
    this.prepared = false
    void this.take(head, state)
  }

  private isItsTurn(): boolean {
    const { room, nowMs, pace } = this.options
    if (pace.snapshotSpacing === undefined) return true
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
    const { snapshots, room, engineHash, metrics, nowMs, pace } = this.options
    try {
      const beganMs = nowMs()
      let stateBytes = 0
      const saved = room.copy(state, (bytes) => {
        stateBytes = bytes.length
        return snapshots.save(stream, { stream, revision, entryHash, formatHash: engineHash, state: bytes })
      })
      const copiedMs = nowMs()
      metrics.duration('riskledger_snapshot_copy_seconds', (copiedMs - beganMs) / 1_000)
      this.notBeforeMs = Math.max(copiedMs + (pace.snapshotSpacing?.minIntervalMs ?? 0), room.notBeforeMs + AFTER_OTHERS_MS)
      await saved
      this.options.logger.debug('snapshot saved', { stream, revision, stateBytes, copyMs: copiedMs - beganMs, saveMs: nowMs() - copiedMs })
    } catch (error) {
      return this.failed(error)
    }
    this.options.crashPoint('snapshot-written')
  }
}
