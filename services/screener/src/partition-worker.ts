import { RiskError, type EventLog, type Ledger, type Logger, type Metrics, type SnapshotStore } from '@riskledger/contracts'
import type { ChainHead, CheckedEntry } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { loggedRetry, startLoop, type Loop, type LoopRetry, type LoopTimers } from '@riskledger/runtime'
import type { ChallengeDraw, InputBatch, JournalFold, ScreeningStage, SealedBatch } from '@riskledger/screening'
import { FactFeed } from './fact-feed'
import { JournalWriter } from './journal-writer'
import { overlapsAppend } from './overlaps-append'
import { PartitionSource } from './partition-source'
import type { PolicyShelf } from './policy-shelf'
import type { SnapshotRoom } from './snapshot-room'
import { assertSameEpochs, assertStillMine, takeOver, type TakenOver } from './take-over'
import type { StateHasher } from './state-hasher'
import type { WorkerPace } from './worker-pace'

/**
 * Time between the end of a small live batch's append and the next pull, in ms. An entry costs some milliseconds of CPU over all processes, whatever it holds: at 500 verdicts
 * a second this makes a third fewer of them at the same p50. Whoever comes within it waits for its rest; who comes later is pulled at once.
 */
const GATHER_MS = 5

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
  /** Hashes the state of a tenure where it is large; `StateAttested` tells the hash later. Default: every state is hashed before its tenure. */
  readonly stateHasher?: StateHasher
  readonly policies: PolicyShelf
  /** Put into force at the start if the journal's is another; null: the journal's own. */
  readonly policy: AcceptedPolicy | null
  /** With which a journal begins that has none yet, where `policy` is null. */
  readonly firstPolicy: AcceptedPolicy | null
  /** Throws a `RiskError` where this process cannot screen by a policy: asked before a tenure begins under it, and before it switches to one. */
  readonly checkPolicy: (policy: Policy) => void
  readonly pace: WorkerPace
  readonly draw: ChallengeDraw
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
  readonly crashPoint: (name: string) => void
  /** Asked before each try to take over and right before the tenure: false where the partition was given to somebody else meanwhile, who must not be fenced. Default: true. */
  readonly stillMine?: () => boolean
  /** After each batch that is in the ledger. */
  readonly onBatch: (batch: SealedBatch, fold: JournalFold) => void
  /** Once all that the log holds is in the ledger, and again after each wait that finds nothing; by topic, the offset below which everything is there. */
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
  /** What it has been trying again for longest, by `performance.now`; null while log and ledger do what they are asked. */
  readonly retrying: LoopRetry | null
  readonly done: Promise<void>
  /** Resolves once its first batch is in the ledger, or once it waits for input or for relations, or the log does not answer. Never rejects, and stays pending where the worker ends before that. */
  readonly begun: Promise<void>
  /**
   * Puts a policy into force at the next batch boundary, unless it is already. Throws a `RiskError`, and goes on by the one in force, where the journal cannot go on
   * by it (`assertSameEpochs`) or this process cannot (`checkPolicy`).
   */
  activate(policy: AcceptedPolicy): void
  stop(): Promise<void>
}

/**
 * Takes over a partition: folds its journal, appends `TenureBegan` until it wins, and screens from where the journal ends. From then on whoever
 * held the partition before finds its next append refused. Rejects with `fenced` once that happens to this one, and with `cancelled` where `stillMine`
 * said no before the tenure. A ledger or a log that does not answer is asked again with growing pauses, after 100 tries `limit-reached`; `log-replaced` as
 * `takeOver` says.
 */
export async function startPartitionWorker(options: WorkerOptions): Promise<PartitionWorker> {
  const { fold, stateHash } = await takeOverOnceItAnswers(options)
  const state = fold.step!
  const following = new AbortController()
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const { epochMs, visibilityLagEpochs } = state.policy.relations
  const visibleThrough = (orderTimeMs: number): number => Math.floor(orderTimeMs / epochMs) - 1 - visibilityLagEpochs
  const feed = FactFeed.follow(options.ledger, {
    desk: state.facts,
    // Whatever was screened when the clock stood there may have known as much.
    visibleEpoch: visibleThrough(state.tickMs),
    partitionCount: options.partitionCount,
    environment: options.environment,
    logger: options.logger,
    signal: following.signal,
    timers: options.timers,
  })
  let givenOut: readonly number[] | null = null
  /** What was given out may still be on its way into the ledger: once it is there the worker is idle, and says so then. */
  const tellIdle = (): void => {
    if (givenOut === null || !writer.isDurable(givenOut)) return
    options.onIdle(givenOut)
    givenOut = null
  }
  const source = new PartitionSource({
    log: options.log,
    partition: options.partition,
    topics: state.identity.topics,
    nextOffsets: fold.nextOffsets,
    tickMs: state.tickMs,
    nowMs: options.nowMs,
    gate: {
      caughtUp: () => feed.caughtUp,
      epochMs,
      epochsInBatch: Math.max(1, Math.floor(visibilityLagEpochs / 3)),
      open: (orderTimeMs) => feed.completeEpoch >= visibleThrough(orderTimeMs),
      willOpen: (orderTimeMs, reachedMs) => Math.floor(reachedMs / epochMs) - 1 >= visibleThrough(orderTimeMs),
      changed: (signal) => feed.changed(signal),
    },
    onWait: (nextOffsets) => {
      if (writer.isDurable(nextOffsets)) begin()
    },
    onIdle: (nextOffsets) => {
      givenOut = [...nextOffsets]
      tellIdle()
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
      // A file's input asks for what its time alone decides, so that a file by itself is judged alike each time; live input for whatever is complete, which what
      // comes after it then sees, too.
      feed.showThrough(item.record.orderTimeMs === undefined ? feed.completeEpoch : visibleThrough(item.orderTimeMs))
    },
  }
  /**
   * Where no input comes, which would show them, the facts of a whole import would wait here otherwise. Nobody is judged with more for it: a file's next input is not before the
   * time that a batch without inputs tells, and live input knows whatever is complete.
   */
  const showTold = ({ items, gaps, tickMs }: InputBatch): void => {
    if (items.length === 0 && gaps.length === 0 && tickMs !== undefined)
      feed.showThrough(Math.min(feed.completeEpoch, visibleThrough(tickMs)))
  }
  const writer = new JournalWriter(options, fold, stage)
  const loop = startLoop({
    name: `screener-${options.partition}`,
    pull: async (signal, onAsk) => {
      try {
        return await source.pull(signal, onAsk)
      } catch (error) {
        // A log that does not answer holds up the take-over of no other partition.
        begin()
        throw error
      }
    },
    step: (batch) => {
      givenOut = null
      showTold(batch)
      return writer.screen(batch)
    },
    commit: async (screened) => {
      await writer.append(screened)
      begin()
      tellIdle()
    },
    logger: options.logger,
    metrics: options.metrics,
    prefetch: (batch) => overlapsAppend(batch, options.pace.batchInputs),
    gatherMs: GATHER_MS,
    timers: options.timers,
  })
  stateHash?.then(
    (hash) => {
      writer.attest(hash)
      source.poke()
    },
    (error: RiskError | Error) => {
      if (error instanceof RiskError && error.code === 'cancelled') return
      options.metrics.count('riskledger_state_attestations_failed_total', 1)
      options.logger.warn('the state of this tenure could not be hashed: no entry attests it', { reason: error.message })
    },
  )
  const activate = (policy: AcceptedPolicy): void => {
    assertSameEpochs(state.policy, policy.policy)
    options.checkPolicy(policy.policy)
    if (writer.switchTo(policy)) source.poke()
  }
  const done = endOf(loop, following)
  // Whoever awaits it sees the rejection; a worker that is merely held must not end the process before that.
  done.catch(() => undefined)
  return {
    fold,
    get durableOffsets() {
      return writer.durableOffsets
    },
    get retrying() {
      return loop.retrying
    },
    done,
    begun,
    activate,
    stop: () => loop.stop(),
  }
}

/** A ledger or a log that is started again refuses for as long as that takes. */
function takeOverOnceItAnswers(options: WorkerOptions): Promise<TakenOver> {
  const { partition, logger, timers } = options
  const tries = { generation: null }
  const take = async (): Promise<TakenOver> => {
    assertStillMine(options)
    return takeOver({ ...options, tries })
  }
  return loggedRetry(take, { name: `taking over partition ${partition}`, timers, logger, context: { part: 'take-over', partition } })
}

async function endOf(loop: Loop, following: AbortController): Promise<void> {
  try {
    await loop.done
  } finally {
    following.abort()
  }
}
