import { MOST_STATE_BYTES, type Ledger, type Logger, type Metrics, type RecordedEntry, type SnapshotStore } from '@riskledger/contracts'
import { holdsEntries, holdsEntry, readMetadata } from '@riskledger/journal'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import type { LearnedTail, LearnedWriter, RelationsCrashPoint } from './learned-writer'
import { RelationsFold, type FoldOptions } from './relations-fold'

/** Changes with the bytes below: a snapshot of another format is discarded. */
const SNAPSHOT_FORMAT = 5

/** Of the time at most a twentieth goes into snapshots. */
const TIME_BETWEEN_PER_TIME_SPENT = 20

/** How often relations take a snapshot. */
interface SnapshotPace {
  /** A snapshot is due after so many inputs. A restart folds about as many, or what came within the spacing where that is more. */
  readonly snapshotInputs: number
  /** A snapshot is due after so many entries too, whichever comes first. Left out: inputs alone count. */
  readonly snapshotEntries?: number
  /** Time between two at least, in ms, or twenty times as long as the last one took, where that is longer. Left out: as many as are due. */
  readonly snapshotSpacing?: { readonly minIntervalMs: number }
}

/** What snapshots of relations are taken and read with. */
export interface SnapshotsOptions extends FoldOptions {
  readonly ledger: Ledger
  readonly environment: string
  readonly engineHash: string
  /** Hash of the code of relations, which the engine's does not cover: a snapshot of other code is passed over. */
  readonly codeHash: string
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
  private entriesSince = 0
  private lastBytes = 2 ** 20
  private notBeforeMs = -Infinity
  private saving = false

  constructor(private readonly options: SnapshotsOptions) {
    this.name = `${options.environment}relations`
  }

  /** The newest one that the ledger still bears out: it holds the journal's entry, and each relations stream's last; null where there is none. */
  async resume(): Promise<RelationsAtEntry | null> {
    const { snapshots, codeHash, ledger, logger } = this.options
    for await (const snapshot of snapshots.load(this.name)) {
      if (snapshot.formatHash !== codeHash) continue
      const resumed = this.read(snapshot.state)
      if (resumed === null || !(await holdsEntry(ledger, snapshot, resumed.after))) continue
      const heads = resumed.tails.map(({ head }) => head)
      if (!(await holdsEntries(ledger, heads))) continue
      logger.info('snapshot read', { stream: snapshot.stream, revision: snapshot.revision })
      return resumed
    }
    return null
  }

  /** Counts an entry's inputs, and takes a snapshot where one is due. `entry` is the last that was folded, and all that it taught is in the ledger. */
  takeIfDue(entry: RecordedEntry, { inputs, fold, writer }: Folded): void {
    const { snapshotInputs, snapshotEntries = Infinity } = this.options.snapshotPace
    this.inputsSince += inputs
    this.entriesSince++
    const { position } = entry
    const isDue = this.inputsSince >= snapshotInputs || this.entriesSince >= snapshotEntries
    if (!isDue || this.saving || this.options.nowMs() < this.notBeforeMs || position === undefined) return
    this.inputsSince = 0
    this.entriesSince = 0
    void this.take(entry, { fold, after: position, tails: writer.tails() })
  }

  /** The state is copied when it returns; what follows is told of here. */
  private async take(entry: RecordedEntry, relations: RelationsAtEntry): Promise<void> {
    const { snapshots, snapshotPace, codeHash, nowMs, metrics, logger } = this.options
    const beganMs = nowMs()
    this.saving = true
    try {
      const { stream, revision } = entry
      const { entryHash } = readMetadata(entry.metadata)!
      await snapshots.save(this.name, { stream, revision, entryHash, formatHash: codeHash, state: this.write(relations) })
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
    // As large as the last one and some more, so that it need not be moved as it is written.
    const writer = new ByteWriter(this.lastBytes, (bytes) => new ArrayBuffer(Math.min(bytes, MOST_STATE_BYTES)))
    writer.varint(SNAPSHOT_FORMAT)
    const header: Header = { partitionCount, epochMs, state, after: [String(after.commit), String(after.prepare)], tails }
    writer.string(JSON.stringify(header))
    fold.write(writer)
    if (writer.lengthBytes > MOST_STATE_BYTES) throw new RangeError(`the state of relations takes more than ${MOST_STATE_BYTES} bytes`)
    this.lastBytes = Math.ceil(writer.lengthBytes * 1.1)
    return writer.written()
  }

  /** Null where the bytes are none of this version's, or of relations that go by other numbers; whatever is wrong with them, the journals have it all. */
  private read(bytes: Uint8Array): RelationsAtEntry | null {
    try {
      const reader = new ByteReader(bytes)
      if (reader.varint() !== SNAPSHOT_FORMAT) return null
      const { after, tails, ...options } = JSON.parse(reader.string()) as Header
      const { partitionCount, epochMs, state } = this.options
      if (JSON.stringify(options) !== JSON.stringify({ partitionCount, epochMs, state })) return null
      const fold = new RelationsFold(this.options)
      fold.read(reader)
      if (reader.remainingBytes > 0) reader.refuse(`${reader.remainingBytes} bytes too many`)
      return { fold, after: { commit: BigInt(after[0]), prepare: BigInt(after[1]) }, tails }
    } catch (error) {
      this.options.logger.warn('a snapshot that cannot be read is passed over', { reason: (error as Error).message })
      return null
    }
  }
}
