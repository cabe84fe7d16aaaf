import { randomBytes } from 'node:crypto'
import { Subject } from 'rxjs'
import { RAW_TOPICS, RiskError, type EventLog, type Ledger, type Logger, type Metrics, type SnapshotStore } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, partitionsStream, screeningStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { startLoop, type Loop } from '@riskledger/runtime'
import { JournalFold, screenBatches, writeState, type ChallengeDraw, type InputBatch, type ScreeningStage, type SealedBatch } from '@riskledger/screening'
import { FactFeed } from './fact-feed'
import { foldForward, foldFromSnapshot, snapshotName } from './fold-journal'
import { PartitionSource } from './partition-source'
import type { PolicyShelf } from './policy-shelf'

/** Inputs between two snapshots: what a restart folds at most. */
const SNAPSHOT_EVERY_INPUTS = 250_000

/** What a worker stands on. All of it comes from outside, so that tests drive it without sockets. */
export interface WorkerOptions {
  readonly partition: number
  readonly partitionCount: number
  readonly environment: string
  readonly workerId: string
  readonly engineHash: string
  readonly log: EventLog
  readonly ledger: Ledger
  readonly snapshots: SnapshotStore | null
  readonly policies: PolicyShelf
  /** Put into force at the start if the journal's is another; null: the journal's own. */
  readonly policy: AcceptedPolicy | null
  readonly draw: ChallengeDraw
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
  /** After each batch that is in the ledger. */
  readonly onBatch: (batch: SealedBatch, fold: JournalFold) => void
  readonly onIdle: (nextOffsets: readonly number[]) => void
}

/** A worker that runs. */
export interface PartitionWorker {
  /** The state that it moves; read it, never change it. */
  readonly fold: JournalFold
  readonly done: Promise<void>
  /** Puts a policy into force at the next batch boundary. */
  activate(policy: AcceptedPolicy): void
  stop(): Promise<void>
}

/**
 * Takes over a partition: folds its journal, appends `TenureBegan` until it wins, and screens from where the journal ends. From then on whoever
 * held the partition before finds its next append refused. Rejects with `fenced` once that happens to this one.
 */
export async function startPartitionWorker(options: WorkerOptions): Promise<PartitionWorker> {
  const fold = await takeOver(options)
  const state = fold.step!
  const following = new AbortController()
  const { epochMs, visibilityLagEpochs } = state.policy.relations
  const feed = FactFeed.follow(options.ledger, { partitionCount: options.partitionCount, environment: options.environment, signal: following.signal })
  state.facts.attach(feed)
  const visibleThrough = (orderTimeMs: number): number => Math.floor(orderTimeMs / epochMs) - 1 - visibilityLagEpochs
  const source = new PartitionSource({
    log: options.log,
    partition: options.partition,
    topics: state.identity.topics,
    nextOffsets: fold.nextOffsets,
    tickMs: state.tickMs,
    nowMs: options.nowMs,
    gate: { epochMs, open: (orderTimeMs) => feed.completeEpoch >= visibleThrough(orderTimeMs), changed: (signal) => feed.changed(signal) },
    // What was given out may still be on its way into the ledger: only then is it idle.
    onIdle: (nextOffsets) => {
      if (writer.isDurable(nextOffsets)) options.onIdle(nextOffsets)
    },
    crashPoint: options.crashPoint,
  })
  const stage: ScreeningStage = {
    step: state,
    head: fold.head,
    nextOffsets: fold.nextOffsets,
    engineHash: options.engineHash,
    draw: options.draw,
    beforeInput: (item) => {
      if (item.record.orderTimeMs !== undefined) feed.showThrough(visibleThrough(item.orderTimeMs))
    },
  }
  const writer = new JournalWriter(options, fold, stage)
  const loop = startLoop({
    name: `screener-${options.partition}`,
    pull: (signal) => source.pull(signal),
    step: (batch) => writer.screen(batch),
    commit: (batches) => writer.append(batches),
    logger: options.logger,
    metrics: options.metrics,
    prefetch: true,
  })
  return { fold, done: endOf(loop, following), activate: (policy) => writer.switchTo(policy), stop: () => loop.stop() }
}

async function endOf(loop: Loop, following: AbortController): Promise<void> {
  try {
    await loop.done
  } finally {
    following.abort()
  }
}

/** Screens batches and appends them; the policy switches between two of them. */
class JournalWriter {
  private readonly batches$ = new Subject<InputBatch>()
  private sealed: SealedBatch[] = []
  private pendingPolicy: AcceptedPolicy | null = null
  private sinceSnapshot = 0
  private durable: ChainHead
  private durableOffsets: readonly number[]

  constructor(
    private readonly options: WorkerOptions,
    private readonly fold: JournalFold,
    private readonly stage: ScreeningStage,
  ) {
    this.durable = stage.head
    this.durableOffsets = [...stage.nextOffsets]
    this.batches$.pipe(screenBatches(stage)).subscribe({
      next: (sealed) => this.sealed.push(sealed),
      error: (error: unknown) => {
        throw error
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

  async screen(batch: InputBatch): Promise<SealedBatch[]> {
    if (this.pendingPolicy !== null) await this.activate(this.pendingPolicy)
    this.sealed = []
    this.batches$.next(batch)
    this.options.crashPoint('entry-encoded')
    return this.sealed
  }

  async append(batches: SealedBatch[]): Promise<void> {
    while (batches.length > 0) {
      const batch = batches[0]
      this.options.crashPoint('ledger-append-sending')
      await appendOrFence(this.options.ledger, this.durable, batch.entries)
      this.options.crashPoint('ledger-append-acknowledged')
      this.durable = batch.head
      this.fold.head = batch.head
      this.fold.inputCount += batch.inputCount
      this.sinceSnapshot += batch.inputCount
      batches.shift()
      this.options.onBatch(batch, this.fold)
    }
    this.durableOffsets = [...this.stage.nextOffsets]
    if (this.sinceSnapshot >= SNAPSHOT_EVERY_INPUTS) await this.saveSnapshot()
  }

  private async activate(policy: AcceptedPolicy): Promise<void> {
    this.pendingPolicy = null
    await this.options.policies.store(policy)
    const sealed = sealPolicy(this.durable, policy, this.options.engineHash)
    await appendOrFence(this.options.ledger, this.durable, [sealed.proposed])
    this.durable = sealed.head
    this.stage.head = sealed.head
    this.fold.head = sealed.head
    this.stage.step.activate(policy)
  }

  /** Called between batches, when the state is just what the journal holds. */
  private async saveSnapshot(): Promise<void> {
    this.sinceSnapshot = 0
    const { snapshots, engineHash } = this.options
    if (snapshots === null) return
    const state = writeState({ step: this.stage.step, nextOffsets: this.stage.nextOffsets, tenure: this.fold.tenure })
    await snapshots.save(snapshotName(this.durable.stream), { ...this.durable, formatHash: engineHash, state })
    this.options.crashPoint('snapshot-written')
  }
}

/** Folds what is there and appends `TenureBegan`, again from the fold on where somebody else was faster. */
async function takeOver(options: WorkerOptions): Promise<JournalFold> {
  const stream = screeningStream(options.partition, 0, options.environment)
  const context = { ledger: options.ledger, policies: options.policies }
  let fold = await foldFromSnapshot(stream, context, { snapshots: options.snapshots, formatHash: options.engineHash })
  for (;;) {
    await foldForward(fold, context)
    if (fold.mismatchCount > 0) refuseMismatch(fold, options)
    try {
      if (fold.step === null) await begin(fold, options)
      else assertSamePartitions(fold, options)
      await appendTenure(fold, options)
      // The own entries come back through the same fold as everybody's.
      await foldForward(fold, context)
      return fold
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
      options.logger.info('another worker moved the journal; folding on', { stream })
      if (fold.step === null) fold = new JournalFold(stream)
    }
  }
}

/** First entries of a partition's journal: `SegmentOpened`, then its place in the registry. */
async function begin(fold: JournalFold, options: WorkerOptions): Promise<void> {
  if (options.policy === null) {
    throw new RiskError('policy-invalid', `${fold.head.stream} is new and no policy was given to begin with. Name one with --policy.`, { retriable: false })
  }
  const data = encodeLedgerJson('SegmentOpened', {
    partition: options.partition,
    segment: 0,
    partitionCount: options.partitionCount,
    topics: [...RAW_TOPICS],
    nextOffsets: RAW_TOPICS.map(() => 0),
    previousStream: null,
    previousEntryHash: null,
    stateHash: ZERO_HASH,
    stateArtifact: null,
    dedupeKey: randomBytes(16).toString('hex'),
    environment: options.environment === '' ? null : options.environment,
  })
  const metadata = { engineHash: options.engineHash, policyHash: ZERO_HASH }
  const sealed = sealEntry(fold.head, { type: 'SegmentOpened', contentType: 'json', data, metadata })
  await options.ledger.append(fold.head.stream, 'no-stream', [sealed.proposed])
  await foldForward(fold, { ledger: options.ledger, policies: options.policies })
  await register(fold, options)
}

/** Puts the journal on the list of journals; several partitions may do so at once. */
async function register(fold: JournalFold, options: WorkerOptions): Promise<void> {
  const stream = partitionsStream(options.environment)
  const data = encodeLedgerJson('JournalRegistered', {
    partition: options.partition,
    partitionCount: options.partitionCount,
    stream: fold.head.stream,
    entryHash: fold.head.entryHash,
  })
  for (;;) {
    const head = await headOf(options.ledger, stream)
    const sealed = sealEntry(head, { type: 'JournalRegistered', contentType: 'json', data, metadata: { engineHash: options.engineHash, policyHash: ZERO_HASH } })
    try {
      await options.ledger.append(stream, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
      return
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
    }
  }
}

async function appendTenure(fold: JournalFold, options: WorkerOptions): Promise<void> {
  const step = fold.step!
  const activates = options.policy !== null && options.policy.hash !== step.policyHash
  const data = encodeLedgerJson('TenureBegan', {
    workerId: options.workerId,
    generation: (fold.tenure?.generation ?? 0) + 1,
    engineHash: options.engineHash,
    stateHash: step.policyHash === ZERO_HASH ? ZERO_HASH : step.stateHash(),
  })
  const tenure = sealEntry(fold.head, { type: 'TenureBegan', contentType: 'json', data, metadata: { engineHash: options.engineHash, policyHash: step.policyHash } })
  const entries = [tenure.proposed]
  if (activates) {
    await options.policies.store(options.policy)
    entries.push(sealPolicy(tenure.head, options.policy, options.engineHash).proposed)
  }
  await options.ledger.append(fold.head.stream, fold.head.revision, entries)
}

function sealPolicy(head: ChainHead, policy: AcceptedPolicy, engineHash: string) {
  const data = encodeLedgerJson('PolicyActivated', { policyHash: policy.hash, mode: 'live', approvers: [] })
  return sealEntry(head, { type: 'PolicyActivated', contentType: 'json', data, metadata: { engineHash, policyHash: policy.hash } })
}

async function headOf(ledger: Ledger, stream: string): Promise<ChainHead> {
  try {
    for await (const entry of ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) {
      const { entryHash } = JSON.parse(Buffer.from(entry.metadata).toString('utf8')) as { entryHash: string }
      return { stream, revision: entry.revision, entryHash }
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return emptyHead(stream)
}

async function appendOrFence(ledger: Ledger, head: ChainHead, entries: SealedBatch['entries']): Promise<void> {
  try {
    await ledger.append(head.stream, head.revision, entries)
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
    throw new RiskError('fenced', `${head.stream}@${head.revision + 1} was written by another worker: this one has lost the partition and stops.`, {
      retriable: false,
      cause: error,
      context: { stream: head.stream, revision: head.revision + 1 },
    })
  }
}

function assertSamePartitions(fold: JournalFold, options: WorkerOptions): void {
  const { partitionCount } = fold.step!.identity
  if (partitionCount === options.partitionCount) return
  throw new RiskError('configuration-invalid', `${fold.head.stream} was made with ${partitionCount} partitions; ${options.partitionCount} were asked for. Leave out --partitions.`, { retriable: false })
}

/** The same code must decide the same; other code may differ, and what is recorded stands. */
function refuseMismatch(fold: JournalFold, options: WorkerOptions): void {
  const first = fold.firstMismatch!
  const text = `${first.stream}@${first.revision}, sequence ${first.sequence}: ${first.field} is recorded as ${first.recorded} and folds to ${first.folded}`
  if (fold.tenure !== null && fold.tenure.engineHash !== options.engineHash) {
    options.logger.warn('other code decided differently before; its recorded decisions stand', { first: text, mismatches: fold.mismatchCount })
    return
  }
  throw new RiskError('journal-mismatch', `${text}. The journal does not repeat under the code that wrote it; run riskledger replay.`, { retriable: false })
}
