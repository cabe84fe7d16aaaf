import { RiskError, type Ledger, type Logger, type Metrics, type RecordedEntry, type SnapshotStore } from '@riskledger/contracts'
import { holdsEntry, readMetadata } from '@riskledger/journal'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import type { LearnedTail, LearnedWriter, RelationsCrashPoint } from './learned-writer'
import { RelationsFold, type FoldOptions } from './relations-fold'

/** Changes with the bytes below: a snapshot of another format is discarded. */
const SNAPSHOT_FORMAT = 1

/** Of the time at most a twentieth goes into snapshots. */
const TIME_BETWEEN_PER_TIME_SPENT = 20

/** How often relations take a snapshot. */
export interface SnapshotPace {
  /** Inputs between two at least. A restart folds about as many, or what came within the spacing where that is more. */
  readonly snapshotInputs: number
  /** Time between two at least, in ms, or twenty times as long as the last one took, where that is longer. Left out: as many as are due. */
  readonly snapshotSpacing?: { readonly minIntervalMs: number }
}

/** What snapshots of relations are taken and read with. */
export interface SnapshotsOptions extends FoldOptions {
  readonly ledger: Ledger
  readonly environment: string
  readonly engineHash: string
  readonly snapshots: SnapshotStore
  readonly snapshotPace: SnapshotPace
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  /** Called at named moments, for tests that kill the process there. */
  readonly crashPoint?: (name: RelationsCrashPoint) => void
}

type Position = NonNullable<RecordedEntry['position']>

/** Relations after an entry of a journal. */
export interface RelationsAtEntry {
  readonly fold: RelationsFold
  /** Place in `$all` of the last entry that is folded. */
  readonly after: Position
  readonly tails: readonly LearnedTail[]
}

/** An entry that was folded: how many inputs it had, and with what. */
interface Folded {
  readonly inputs: number
  readonly fold: RelationsFold
  readonly writer: Pick<LearnedWriter, 'tails'>
}

interface Header extends FoldOptions {
  /** Commit and prepare position. */
  readonly after: readonly [string, string]
  readonly tails: readonly LearnedTail[]
}

/**
 * Snapshots of relations, so that a restart need not fold every journal from its first entry. A cache: one that cannot be saved is logged, counted in
 * `riskledger_snapshots_failed_total`, and tried again when the next is due.
 */
export class RelationsSnapshots {
  private readonly name: string
  private inputsSince = 0
  private notBeforeMs = -Infinity
  private saving = false

  constructor(private readonly options: SnapshotsOptions) {
    this.name = `${options.environment}relations`
  }

  /** The newest one that the ledger still bears out: it holds the journal's entry, and each relations stream's last; null where there is none. */
  async resume(): Promise<RelationsAtEntry | null> {
    const { snapshots, engineHash, ledger, logger } = this.options
    for await (const snapshot of snapshots.load(this.name)) {
      if (snapshot.formatHash !== engineHash || !(await holdsEntry(ledger, snapshot))) continue
      const resumed = this.read(snapshot.state)
      if (resumed === null || !(await holdsAll(ledger, resumed.tails))) continue
      logger.info('snapshot read', { stream: snapshot.stream, revision: snapshot.revision })
      return resumed
    }
    return null
  }

  /** Counts an entry's inputs, and takes a snapshot where one is due. `entry` is the last that was folded, and all that it taught is in the ledger. */
  takeIfDue(entry: RecordedEntry, { inputs, fold, writer }: Folded): void {
    const { snapshotPace, nowMs } = this.options
    this.inputsSince += inputs
    const { position } = entry
    if (this.inputsSince < snapshotPace.snapshotInputs || this.saving || nowMs() < this.notBeforeMs || position === undefined) return
    this.inputsSince = 0
    void this.take(entry, { fold, after: position, tails: writer.tails() })
  }

  /** The state is copied when it returns; what follows is told of here. */
  private async take(entry: RecordedEntry, relations: RelationsAtEntry): Promise<void> {
    const { snapshots, snapshotPace, engineHash, nowMs, metrics, logger } = this.options
    const beganMs = nowMs()
    this.saving = true
    try {
      const { stream, revision } = entry
      const { entryHash } = readMetadata(entry.metadata)!
      await snapshots.save(this.name, { stream, revision, entryHash, formatHash: engineHash, state: this.write(relations) })
    } catch (error) {
      metrics.count('riskledger_snapshots_failed_total', 1)
      logger.warn('no snapshot could be taken; a restart folds more of the journals', { reason: (error as Error).message })
      return
    } finally {
      this.saving = false
      if (snapshotPace.snapshotSpacing !== undefined) {
        const endedMs = nowMs()
        this.notBeforeMs = endedMs + Math.max(snapshotPace.snapshotSpacing.minIntervalMs, TIME_BETWEEN_PER_TIME_SPENT * (endedMs - beganMs))
      }
    }
    this.options.crashPoint?.('relations-snapshot-written')
  }

  private write({ fold, after, tails }: RelationsAtEntry): Uint8Array {
    const { partitionCount, epochMs, state } = this.options
    const writer = new ByteWriter()
    writer.varint(SNAPSHOT_FORMAT)
    const header: Header = { partitionCount, epochMs, state, after: [String(after.commit), String(after.prepare)], tails }
    writer.string(JSON.stringify(header))
    fold.write(writer)
    return writer.written()
  }

  /** Null where the bytes are none of this version's, or of relations that go by other numbers. */
  private read(bytes: Uint8Array): RelationsAtEntry | null {
    try {
      const reader = new ByteReader(bytes)
      if (reader.varint() !== SNAPSHOT_FORMAT) return null
      const { after, tails, ...options } = JSON.parse(reader.string()) as Header
      const { partitionCount, epochMs, state } = this.options
      if (JSON.stringify(options) !== JSON.stringify({ partitionCount, epochMs, state })) return null
      const fold = new RelationsFold(this.options)
      fold.read(reader)
      return { fold, after: { commit: BigInt(after[0]), prepare: BigInt(after[1]) }, tails }
    } catch (error) {
      if (error instanceof RiskError && error.code === 'snapshot-unusable') return null
      throw error
    }
  }
}

async function holdsAll(ledger: Ledger, tails: readonly LearnedTail[]): Promise<boolean> {
  for (const { head } of tails) if (head.revision >= 0 && !(await holdsEntry(ledger, head))) return false
  return true
}
