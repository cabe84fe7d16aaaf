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
  /** What a batch puts into force, until the ledger holds it: before that batch. */
  policy: AcceptedPolicy | null
  readonly batches: SealedBatch[]
  readonly nextOffsets: readonly number[]
  readonly counts: ScreenedCounts
}

/** Screens batches and appends them; the policy switches between two of them, and the tenure's state hash goes before one. */
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

  /** Has a policy put into force before the next batch; false where the next batch is screened by it anyway. */
  switchTo(policy: AcceptedPolicy): boolean {
    this.pendingPolicy = policy.hash === this.stage.step.policyHash ? null : policy
    return this.pendingPolicy !== null
  }

  /** Has the hash of the state that the tenure began with told before the next batch. */
  attest(stateHash: string): void {
    this.pendingStateHash = stateHash
  }

  async screen(batch: InputBatch): Promise<Screened> {
    const { step, head, nextOffsets } = this.stage
    // Here and not at the end: the batch before is on its way into the ledger meanwhile.
    await this.snapshots?.takeIfDue(head, { step, nextOffsets, tenure: this.fold.tenure })
    const { pendingPolicy: policy } = this
    this.sealed = [...this.attestation(), ...this.activation()]
    this.batches$.next(batch)
    if (this.failure !== null) throw this.failure
    this.options.crashPoint('entry-encoded')
    for (const { inputCount: inputs, entries } of this.sealed) this.snapshots?.screened({ inputs, entries: entries.length })
    return { policy, batches: this.sealed, nextOffsets: [...this.stage.nextOffsets], counts: countsOf(step) }
  }

  /** Tried again where the ledger does not answer, from the batch on that is not known to be in it. The state may be a batch ahead meanwhile. */
  async append(screened: Screened): Promise<void> {
    const { batches, nextOffsets, counts } = screened
    if (screened.policy !== null) await this.options.policies.store(screened.policy)
    screened.policy = null
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

  /** The tenure's state hash as a batch without inputs, once it is there. */
  private attestation(): SealedBatch[] {
    const { stage, pendingStateHash: stateHash } = this
    if (stateHash === null) return []
    this.pendingStateHash = null
    const metadata = { engineHash: this.options.engineHash, policyHash: stage.step.policyHash }
    return [this.batchOf(sealStateHash(stage.head, { generation: this.fold.tenure!.generation, stateHash }, metadata))]
  }

  /** The policy switch as a batch without inputs, where one is wanted: what comes after it is screened by the new policy. */
  private activation(): SealedBatch[] {
    const { stage, pendingPolicy: policy } = this
    if (policy === null) return []
    this.pendingPolicy = null
    const batch = this.batchOf(sealPolicy(stage.head, policy, this.options.engineHash))
    stage.step.activate(policy)
    return [batch]
  }

  private batchOf({ proposed, head }: SealedEntry): SealedBatch {
    this.stage.head = head
    return { entries: [proposed], head, firstSequence: this.stage.step.nextSequence, inputCount: 0, decisions: [] }
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
