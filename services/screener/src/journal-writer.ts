import { Subject } from 'rxjs'
import { RiskError, type Ledger } from '@riskledger/contracts'
import type { ChainHead, SealedEntry } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { screenBatches, type InputBatch, type JournalFold, type ScreeningStage, type SealedBatch } from '@riskledger/screening'
import type { WorkerOptions } from './partition-worker'
import { countsOf, ScreeningMetrics, type ScreenedCounts } from './screening-metrics'
import { SnapshotRoom } from './snapshot-room'
import { SnapshotTaker } from './snapshot-taker'
import { sealPolicy, sealStateHash } from './take-over'

/** What one step made: its batches, and where the source stands after them. */
interface Screened {
  readonly batches: SealedBatch[]
  readonly nextOffsets: readonly number[]
  readonly counts: ScreenedCounts
}

/** Screens batches and appends them; between two of them the policy switches, and the tenure's state hash is told. */
export class JournalWriter {
  private readonly batches$ = new Subject<InputBatch>()
  private sealed: SealedBatch[] = []
  private failure: Error | null = null
  private pendingPolicy: AcceptedPolicy | null = null
  private pendingStateHash: string | null = null
  private readonly snapshots: SnapshotTaker | null
  private readonly metrics: ScreeningMetrics
  private durable: ChainHead
  /** By topic, the offset below which everything is in the ledger. */
  durableOffsets: readonly number[]

  constructor(
    private readonly options: WorkerOptions,
    private readonly fold: JournalFold,
    private readonly stage: ScreeningStage,
  ) {
    const { snapshots, pace, nowMs } = options
    const room = options.snapshotRoom ?? new SnapshotRoom({ nowMs, bytesPerSecond: pace.snapshotSpacing?.bytesPerSecond })
    this.snapshots =
      snapshots === null
        ? null
        : new SnapshotTaker({ ...options, snapshots, room, folded: { inputs: fold.inputCount, entries: fold.entryCount } })
    this.metrics = new ScreeningMetrics(countsOf(stage.step), options)
    this.durable = stage.head
    this.durableOffsets = [...stage.nextOffsets]
    this.batches$.pipe(screenBatches(stage)).subscribe({
      next: (sealed) => this.sealed.push(sealed),
      // Thrown here it would only come up later, beside the loop: `screen` throws it.
      error: (error: unknown) => {
        this.failure = error instanceof Error ? error : new Error(String(error))
      },
    })
  }

  /** True once everything below these offsets is in the ledger. */
  isDurable(nextOffsets: readonly number[]): boolean {
    return nextOffsets.every((offset, topic) => offset === this.durableOffsets[topic])
  }

  switchTo(policy: AcceptedPolicy): void {
    this.pendingPolicy = policy
  }

  /** Tells the hash of the state that the tenure began with. */
  attest(stateHash: string): void {
    this.pendingStateHash = stateHash
  }

  /** True where the next `screen` begins with an entry of another kind, which needs everything before it in the ledger. */
  get wantsQuiet(): boolean {
    return this.pendingPolicy !== null || this.pendingStateHash !== null
  }

  async screen(batch: InputBatch): Promise<Screened> {
    const { step, head, nextOffsets } = this.stage
    // Here and not at the end: the batch before is on its way into the ledger meanwhile.
    await this.snapshots?.takeIfDue(head, { step, nextOffsets, tenure: this.fold.tenure })
    if (this.wantsQuiet) await this.appendBetween()
    this.sealed = []
    this.batches$.next(batch)
    if (this.failure !== null) throw this.failure
    this.options.crashPoint('entry-encoded')
    for (const { inputCount: inputs, entries } of this.sealed) this.snapshots?.screened({ inputs, entries: entries.length })
    return { batches: this.sealed, nextOffsets: [...this.stage.nextOffsets], counts: countsOf(step) }
  }

  /** The state may be a batch ahead meanwhile. */
  async append({ batches, nextOffsets, counts }: Screened): Promise<void> {
    while (batches.length > 0) {
      const batch = batches[0]
      this.options.crashPoint('ledger-append-sending')
      const sentMs = performance.now()
      await appendOrFence(this.options.ledger, this.durable, batch.entries)
      this.options.crashPoint('ledger-append-acknowledged')
      this.metrics.appended((performance.now() - sentMs) / 1_000)
      this.durable = batch.head
      this.fold.head = batch.head
      this.fold.inputCount += batch.inputCount
      batches.shift()
      this.options.onBatch(batch, this.fold)
    }
    this.durableOffsets = nextOffsets
    this.metrics.durable(counts)
  }

  private async appendBetween(): Promise<void> {
    if (this.durable.revision !== this.stage.head.revision) return
    const { engineHash, policies } = this.options
    const { pendingStateHash: stateHash, pendingPolicy: policy } = this
    this.pendingStateHash = null
    this.pendingPolicy = null
    if (stateHash !== null) {
      const { generation } = this.fold.tenure!
      await this.appendOne(sealStateHash(this.durable, { generation, stateHash }, { engineHash, policyHash: this.stage.step.policyHash }))
    }
    if (policy === null) return
    await policies.store(policy)
    await this.appendOne(sealPolicy(this.durable, policy, engineHash))
    this.stage.step.activate(policy)
  }

  private async appendOne({ proposed, head }: SealedEntry): Promise<void> {
    await appendOrFence(this.options.ledger, this.durable, [proposed])
    this.durable = head
    this.stage.head = head
    this.fold.head = head
  }
}

async function appendOrFence(ledger: Ledger, head: ChainHead, entries: SealedBatch['entries']): Promise<void> {
  try {
    await ledger.append(head.stream, head.revision, entries)
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
    throw new RiskError(
      'fenced',
      `${head.stream}@${head.revision + 1} was written by another worker: this one has lost the partition and stops.`,
      {
        retriable: false,
        cause: error,
        context: { stream: head.stream, revision: head.revision + 1 },
      },
    )
  }
}
