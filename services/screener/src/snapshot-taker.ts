import type { Logger, Metrics, SnapshotStore } from '@riskledger/contracts'
import type { ChainHead } from '@riskledger/journal'
import { writeState, type WorkerState } from '@riskledger/screening'
import { ByteWriter } from '@riskledger/windows'
import type { WorkerPace } from './worker-pace'

/** The store takes no larger state. */
const MOST_STATE_BYTES = 2 ** 31

export interface SnapshotTakerOptions {
  readonly snapshots: SnapshotStore
  readonly engineHash: string
  readonly pace: Pick<WorkerPace, 'snapshotInputs' | 'snapshotTimeShare'>
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
}

/**
 * Takes snapshots of a partition's state while it goes on: the state is copied between two batches, at the speed of memory, into memory shared with whoever
 * saves it. Taken once `snapshotInputs` were screened since the last, but never while that one is still being saved, nor so often that copying took
 * more than its share of the time.
 *
 * A snapshot may stand at an entry that is not in the ledger yet; one whose entry never comes is passed over at the next start. One that cannot be saved is logged,
 * counted in `riskledger_snapshots_failed_total`, and tried again when the next is due: the journal has everything.
 */
export class SnapshotTaker {
  private writer: ByteWriter | null = null
  private sinceLast = 0
  private notBeforeMs = -Infinity
  private saving: Promise<void> | null = null

  constructor(private readonly options: SnapshotTakerOptions) {}

  /** Tells of inputs that were screened. */
  screened(inputs: number): void {
    this.sinceLast += inputs
  }

  /** Copies the state at `head`, where a snapshot is due, and lets it be saved. */
  async takeIfDue(head: ChainHead, state: WorkerState): Promise<void> {
    const { pace, nowMs } = this.options
    if (this.sinceLast < pace.snapshotInputs) return
    if (pace.snapshotTimeShare === undefined) await this.saving
    else if (this.saving !== null || nowMs() < this.notBeforeMs) return
    const beganMs = nowMs()
    this.sinceLast = 0
    let bytes: Uint8Array
    try {
      bytes = this.copy(state)
    } catch (error) {
      return this.failed(error)
    } finally {
      this.notBeforeMs = nowMs() + (pace.snapshotTimeShare ?? 0) * (nowMs() - beganMs)
    }
    this.saving = this.save(head, bytes).finally(() => (this.saving = null))
  }

  private copy(state: WorkerState): Uint8Array {
    this.writer ??= new ByteWriter(1 << 20, sharedRoom())
    this.writer.reset()
    writeState(state, this.writer)
    return this.writer.written()
  }

  private async save({ stream, revision, entryHash }: ChainHead, state: Uint8Array): Promise<void> {
    const { snapshots, engineHash, crashPoint } = this.options
    try {
      await snapshots.save(stream, { stream, revision, entryHash, formatHash: engineHash, state })
    } catch (error) {
      return this.failed(error)
    }
    crashPoint('snapshot-written')
  }

  private failed(error: unknown): void {
    this.options.metrics.count('riskledger_snapshots_failed_total', 1)
    this.options.logger.warn('no snapshot could be taken; a restart folds more of the journal', { reason: (error as Error).message })
  }
}

/** Room that grows where it lies, so that nothing is copied: the system lends each page when it is first written to. */
function sharedRoom(): (bytes: number) => SharedArrayBuffer {
  const room = new SharedArrayBuffer(0, { maxByteLength: MOST_STATE_BYTES })
  return (bytes) => {
    room.grow(bytes)
    return room
  }
}
