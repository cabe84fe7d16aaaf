import { screeningStream } from '@riskledger/journal'
import { connectLedger } from '@riskledger/ledger'
import {
  aborted,
  crashPointFrom,
  createLogger,
  createMetrics,
  openEventLog,
  runThread,
  serveHealth,
  type HealthServer,
  type MetricsRegistry,
  type SharedEventLog,
  type ThreadContext,
} from '@riskledger/runtime'
import { acceptedPolicy } from './accepted-policy'
import { challengeDraw } from './challenge-draw'
import { challengeSecretCheck } from './challenge-secret'
import { entriesAhead } from './entries-ahead'
import { joinGroup, type GroupMembership } from './join-group'
import { ThreadedSnapshots } from './threaded-snapshots'
import { startPartitionWorker, type PartitionWorker, type WorkerOptions } from './partition-worker'
import { PartitionWorkers } from './partition-workers'
import { policiesInForce } from './policies-in-force'
import { policiesToBegin } from './policies-to-begin'
import { PolicyShelf } from './policy-shelf'
import { SnapshotRoom } from './snapshot-room'
import { ThreadedStateHasher } from './state-hasher'
import { startOnView } from './start-on-view'
import { tellReadiness } from './tell-readiness'
import { inputCountsOf, tellingOf } from './telling'
import type { PartitionTaken, ScreenerMessage, ScreenerReady, ScreenerRequest, ScreenerThreadInput } from './screener-protocol'

type Shared = Omit<WorkerOptions, 'metrics' | 'log' | 'snapshots' | 'partition' | 'draw' | 'onBatch' | 'onIdle' | 'stillMine'> & {
  readonly log: SharedEventLog
  readonly snapshots: ThreadedSnapshots
  readonly metrics: MetricsRegistry
}
type Context = ThreadContext<ScreenerThreadInput>

/** One thread runs the workers of all partitions that this process owns. */
runThread<ScreenerThreadInput>(async (context) => {
  const { input } = context
  const logger = createLogger({ name: 'screener', level: input.logLevel })
  const metrics = createMetrics()
  const log = await openEventLog(input.log, { partitionCount: input.partitionCount, access: 'read', logger, metrics })
  // Whatever fails, nothing may stay open: the thread ends only once its loops and connections have.
  const opened: { close(): Promise<void> }[] = [log]
  try {
    // The thread that loads them starts while the ledger is connected to.
    const snapshots = new ThreadedSnapshots(input.cacheFolder, logger)
    opened.push(snapshots)
    if (input.assignment.kind === 'fixed') loadFirst(snapshots, input.assignment.partitions, input.environment)
    const ledger = await connectLedger({ connectionString: input.connectionString, signal: context.signal })
    opened.push(ledger)
    await snapshots.ready
    const stateHasher = new ThreadedStateHasher()
    opened.push(stateHasher)
    await runWorkers(context, {
      ...input,
      log,
      ledger,
      snapshots,
      stateHasher,
      snapshotRoom: new SnapshotRoom({
        nowMs: Date.now,
        bytesPerSecond: input.pace.snapshotSpacing?.bytesPerSecond,
        prefault: (memory, range) => snapshots.prefault(memory, range),
      }),
      entriesAhead: (head) => entriesAhead({ connectionString: input.connectionString, after: head, until: null }),
      policies: new PolicyShelf(ledger, input.environment),
      policy: input.policy === null ? null : acceptedPolicy(input.policy),
      firstPolicy: input.firstPolicy === null ? null : acceptedPolicy(input.firstPolicy),
      checkPolicy: challengeSecretCheck({ secret: input.challengeSecret, isLive: input.log.kind === 'kafka', logger }),
      nowMs: () => Date.now(),
      logger,
      metrics,
      crashPoint: crashPointFrom(input.crashAt),
    })
  } finally {
    await Promise.allSettled(opened.map((one) => one.close()))
  }
})

/** The snapshot of the partition that is taken over first is loaded meanwhile, too. */
function loadFirst(snapshots: ThreadedSnapshots, [first]: readonly number[], environment: string): void {
  snapshots.loadAhead(screeningStream(first, 0, environment))
}

async function runWorkers(context: Context, shared: Shared): Promise<void> {
  const { input, signal, ready, onMessage } = context
  if (shared.policy !== null) shared.checkPolicy(shared.policy.policy)
  const workers: PartitionWorkers = new PartitionWorkers({
    onNext: (next) => shared.snapshots.loadAhead(next === null ? null : screeningStream(next, 0, input.environment)),
    start: (partition, stillMine) =>
      startOne(context, {
        shared: { ...shared, ...policiesToBegin(shared, workers.activated) },
        partition,
        stillMine,
        onProgress: () => workers.progressed(partition),
      }),
    policiesInForce: () => policiesInForce(shared.ledger, input),
    whenFenced: input.assignment.kind === 'group' ? 'retakes' : 'ends',
    logger: shared.logger,
  })
  onMessage((message) => {
    const request = message as ScreenerRequest
    if (request.kind === 'activate') workers.activate(acceptedPolicy(request.policy))
  })
  const stopped = aborted(signal)
  let membership: GroupMembership | undefined
  let health: HealthServer | undefined
  let isAssigned = false
  try {
    const { partitionCount } = input
    const partitions = (): Promise<string> =>
      Promise.resolve(tellReadiness({ isAssigned, workers, partitionCount, nowMs: performance.now() }))
    if (input.health !== null) health = await serveHealth({ ...input.health, checks: { partitions }, metrics: shared.metrics })
    if (input.assignment.kind === 'fixed') {
      const assigning = workers.assign(input.assignment.partitions)
      isAssigned = true
      await Promise.race([assigning, stopped])
    } else {
      const joining = joinGroup({
        ...input,
        ...input.assignment,
        workers,
        logger: shared.logger,
        onJoined: () => (isAssigned = true),
        onSettled: () => tellAssigned(context, workers),
      })
      membership = await Promise.race([joining, stopped.then(() => undefined)])
      // Told to stop before it is in, it leaves once it is.
      if (membership === undefined) joining.then((late) => late.leave()).catch(() => undefined)
    }
    if (signal.aborted) return
    ready({ partitions: input.assignment.kind === 'fixed' ? takenOf(workers) : [] } satisfies ScreenerReady)
    await Promise.race([workers.failed, stopped, ...(membership === undefined ? [] : [membership.failed])])
  } finally {
    try {
      await workers.stop()
    } finally {
      await membership?.leave()
      await health?.close()
    }
  }
}

/** Starts the worker of one partition on a view of the log that goes with it. */
function startOne(
  context: Context,
  {
    shared,
    partition,
    stillMine,
    onProgress,
  }: { readonly shared: Shared; readonly partition: number; readonly stillMine: () => boolean; readonly onProgress: () => void },
): Promise<PartitionWorker> {
  return startOnView(shared.log, (log) =>
    startPartitionWorker({
      ...shared,
      ...tellingOf({ partition, tells: context.input.tells, post: context.post, onProgress }),
      draw: challengeDraw(context.input.challengeSecret, partition),
      log,
      partition,
      stillMine,
    }),
  )
}

function tellAssigned({ post }: Context, workers: PartitionWorkers): void {
  post({ kind: 'assigned', partitions: takenOf(workers) } satisfies ScreenerMessage)
}

function takenOf(workers: PartitionWorkers): readonly PartitionTaken[] {
  return [...workers.running].map(([partition, { fold }]: [number, PartitionWorker]) => ({
    partition,
    inputs: fold.step!.nextSequence - 1,
    counts: inputCountsOf(fold),
    policyHash: fold.step!.policyHash,
  }))
}
