import { Subject } from 'rxjs'
import { RiskError, type EventLog, type Ledger, type Logger, type Metrics, type SnapshotStore } from '@riskledger/contracts'
import type { ChainHead, CheckedEntry } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { startLoop, withRetry, type Loop, type LoopTimers } from '@riskledger/runtime'
import {
  screenBatches,
  type ChallengeDraw,
  type InputBatch,
  type JournalFold,
  type ScreeningStage,
  type SealedBatch,
} from '@riskledger/screening'
import { FactFeed } from './fact-feed'
import { PartitionSource } from './partition-source'
import type { PolicyShelf } from './policy-shelf'
import { SnapshotRoom } from './snapshot-room'
import { SnapshotTaker } from './snapshot-taker'
import { assertSameEpochs, assertStillMine, sealPolicy, takeOver } from './take-over'
import type { WorkerPace } from './worker-pace'

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
  /** Shared by the workers of a process, as their thread is. Default: one of its own. */
  readonly snapshotRoom?: SnapshotRoom
  /** Reads the journal's entries beyond a head ahead of their fold, where there are many. Default: they are read as they are folded. */
  readonly entriesAhead?: (head: ChainHead) => AsyncIterable<CheckedEntry>
  readonly policies: PolicyShelf
  /** Put into force at the start if the journal's is another; null: the journal's own. */
  readonly policy: AcceptedPolicy | null
  /** With which a journal begins that has none yet, where `policy` is null. */
  readonly firstPolicy: AcceptedPolicy | null
  /** Throws where this process cannot screen by the policy in force. */
  readonly checkPolicy: (policy: Policy) => void
  readonly pace: WorkerPace
  readonly draw: ChallengeDraw
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
  /** Asked right before the tenure: false where the partition was given to somebody else meanwhile, who must not be fenced. Default: true. */
  readonly stillMine?: () => boolean
  /** After each batch that is in the ledger. */
  readonly onBatch: (batch: SealedBatch, fold: JournalFold) => void
  readonly onIdle: (nextOffsets: readonly number[]) => void
  /** Default: the process's own. */
  readonly timers?: LoopTimers
  /** Default: node's `randomBytes`. */
  readonly randomBytes?: (length: number) => Uint8Array
}

/** A worker that runs. */
export interface PartitionWorker {
  /** The state that it moves; read it, never change it. */
  readonly fold: JournalFold
  /** By topic, the offset below which everything is in the ledger. */
  readonly durableOffsets: readonly number[]
  readonly done: Promise<void>
  /** Puts a policy into force at the next batch boundary. */
  activate(policy: AcceptedPolicy): void
  stop(): Promise<void>
}

/**
 * Takes over a partition: folds its journal, appends `TenureBegan` until it wins, and screens from where the journal ends. From then on whoever
 * held the partition before finds its next append refused. Rejects with `fenced` once that happens to this one, and with `cancelled` where `stillMine`
 * said no before the tenure.
 */
export async function startPartitionWorker(options: WorkerOptions): Promise<PartitionWorker> {
  const fold = await takeOverOnceItAnswers(options)
  const state = fold.step!
  options.checkPolicy(state.policy)
  const following = new AbortController()
  const { epochMs, visibilityLagEpochs } = state.policy.relations
  const feed = FactFeed.follow(options.ledger, {
    desk: state.facts,
    partitionCount: options.partitionCount,
    environment: options.environment,
    signal: following.signal,
  })
  const visibleThrough = (orderTimeMs: number): number => Math.floor(orderTimeMs / epochMs) - 1 - visibilityLagEpochs
  const source = new PartitionSource({
    log: options.log,
    partition: options.partition,
    topics: state.identity.topics,
    nextOffsets: fold.nextOffsets,
    tickMs: state.tickMs,
    nowMs: options.nowMs,
    gate: {
      epochMs,
      epochsInBatch: Math.max(1, Math.floor(visibilityLagEpochs / 3)),
      open: (orderTimeMs) => feed.completeEpoch >= visibleThrough(orderTimeMs),
      willOpen: (orderTimeMs, reachedMs) => Math.floor(reachedMs / epochMs) - 1 >= visibleThrough(orderTimeMs),
      changed: (signal) => feed.changed(signal),
    },
    // What was given out may still be on its way into the ledger: only then is it idle.
    onIdle: (nextOffsets) => {
      if (writer.isDurable(nextOffsets)) options.onIdle(nextOffsets)
    },
    batchInputs: options.pace.batchInputs,
    crashPoint: options.crashPoint,
  })
  const stage: ScreeningStage = {
    step: state,
    head: fold.head,
    nextOffsets: fold.nextOffsets,
    engineHash: options.engineHash,
    draw: options.draw,
    beforeInput: (item) => {
      feed.assertFollowing()
      // A file's input sees no more than must be known by its time, so that the same file is judged alike each time; live input whatever is complete.
      feed.showThrough(item.record.orderTimeMs === undefined ? feed.completeEpoch : visibleThrough(item.orderTimeMs))
    },
  }
  const writer = new JournalWriter(options, fold, stage)
  const loop = startLoop({
    name: `screener-${options.partition}`,
    pull: (signal) => source.pull(signal),
    step: (batch) => writer.screen(batch),
    commit: (screened) => writer.append(screened),
    settleBefore: () => writer.wantsQuiet,
    logger: options.logger,
    metrics: options.metrics,
    prefetch: true,
    timers: options.timers,
  })
  const activate = (policy: AcceptedPolicy): void => {
    assertSameEpochs(state.policy, policy.policy)
    writer.switchTo(policy)
    source.poke()
  }
  const done = endOf(loop, following)
  // Whoever awaits it sees the rejection; a worker that is merely held must not end the process before that.
  done.catch(() => undefined)
  return {
    fold,
    get durableOffsets() {
      return writer.durableOffsets
    },
    done,
    activate,
    stop: () => loop.stop(),
  }
}

/** A ledger or a log that is started again refuses for as long as that takes; nothing that a take-over does is wrong to do again. */
function takeOverOnceItAnswers(options: WorkerOptions): Promise<JournalFold> {
  const { partition, logger, timers } = options
  const take = async (): Promise<JournalFold> => {
    assertStillMine(options)
    return takeOver(options)
  }
  return withRetry(take, {
    name: `taking over partition ${partition}`,
    sleep: timers === undefined ? undefined : (delayMs, signal) => timers.sleep(delayMs, signal),
    onRetry: ({ error, attempt, delayMs }) =>
      logger.warn('trying again', { part: 'take-over', partition, code: error.code, attempt, delayMs, reason: error.message }),
  })
}

async function endOf(loop: Loop, following: AbortController): Promise<void> {
  try {
    await loop.done
  } finally {
    following.abort()
  }
}

/** What one step made: its batches, and where the source stands after them. */
interface Screened {
  readonly batches: SealedBatch[]
  readonly nextOffsets: readonly number[]
}

/** Screens batches and appends them; the policy switches between two of them. */
class JournalWriter {
  private readonly batches$ = new Subject<InputBatch>()
  private sealed: SealedBatch[] = []
  private failure: Error | null = null
  private pendingPolicy: AcceptedPolicy | null = null
  private readonly snapshots: SnapshotTaker | null
  private durable: ChainHead
  /** By topic, the offset below which everything is in the ledger. */
  durableOffsets: readonly number[]

  constructor(
    private readonly options: WorkerOptions,
    private readonly fold: JournalFold,
    private readonly stage: ScreeningStage,
  ) {
    const { snapshots, pace, nowMs } = options
    const room = options.snapshotRoom ?? new SnapshotRoom({ nowMs, spacingMs: pace.snapshotSpacingMs })
    this.snapshots = snapshots === null ? null : new SnapshotTaker({ ...options, snapshots, room })
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

  /** True where the next `screen` begins with a policy switch, which needs everything before it in the ledger. */
  get wantsQuiet(): boolean {
    return this.pendingPolicy !== null
  }

  async screen(batch: InputBatch): Promise<Screened> {
    const { step, head, nextOffsets } = this.stage
    // Here and not at the end: the batch before is on its way into the ledger meanwhile.
    await this.snapshots?.takeIfDue(head, { step, nextOffsets, tenure: this.fold.tenure })
    if (this.pendingPolicy !== null) await this.activate(this.pendingPolicy)
    this.sealed = []
    this.batches$.next(batch)
    if (this.failure !== null) throw this.failure
    this.options.crashPoint('entry-encoded')
    for (const { inputCount } of this.sealed) this.snapshots?.screened(inputCount)
    return { batches: this.sealed, nextOffsets: [...this.stage.nextOffsets] }
  }

  /** The state may be a batch ahead meanwhile. */
  async append({ batches, nextOffsets }: Screened): Promise<void> {
    while (batches.length > 0) {
      const batch = batches[0]
      this.options.crashPoint('ledger-append-sending')
      await appendOrFence(this.options.ledger, this.durable, batch.entries)
      this.options.crashPoint('ledger-append-acknowledged')
      this.durable = batch.head
      this.fold.head = batch.head
      this.fold.inputCount += batch.inputCount
      batches.shift()
      this.options.onBatch(batch, this.fold)
    }
    this.durableOffsets = nextOffsets
  }

  private async activate(policy: AcceptedPolicy): Promise<void> {
    if (this.durable.revision !== this.stage.head.revision) return
    this.pendingPolicy = null
    await this.options.policies.store(policy)
    const sealed = sealPolicy(this.durable, policy, this.options.engineHash)
    await appendOrFence(this.options.ledger, this.durable, [sealed.proposed])
    this.durable = sealed.head
    this.stage.head = sealed.head
    this.fold.head = sealed.head
    this.stage.step.activate(policy)
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
