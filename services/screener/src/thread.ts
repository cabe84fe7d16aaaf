import { join } from 'node:path'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { connectLedger } from '@riskledger/ledger'
import { readPolicy, type AcceptedPolicy, type Policy } from '@riskledger/policy'
import { crashPointFrom, createLogger, createMetrics, runThread, type ThreadContext } from '@riskledger/runtime'
import type { JournalFold } from '@riskledger/screening'
import { openSnapshotStore } from '@riskledger/snapshots'
import { assertChallengeSecret, challengeDraw } from './challenge-draw'
import { startPartitionWorker, type PartitionWorker, type WorkerOptions } from './partition-worker'
import { PolicyShelf } from './policy-shelf'
import type { InputCounts, ScreenerMessage, ScreenerReady, ScreenerRequest, ScreenerThreadInput } from './screener-protocol'

type Shared = Omit<WorkerOptions, 'partition' | 'draw' | 'onBatch' | 'onIdle'>

/** One thread runs the workers of all partitions that this process owns. */
runThread<ScreenerThreadInput>(async (context) => {
  const { input } = context
  const logger = createLogger({ name: 'screener', level: input.logLevel })
  const log = openEmbeddedLog({ folder: join(input.dataDir, 'log'), partitionCount: input.partitionCount, readOnly: true })
  // Whatever fails, nothing may stay open: the thread ends only once its loops and connections have.
  const opened: { close(): Promise<void> }[] = [log]
  try {
    const ledger = await connectLedger({ connectionString: input.connectionString })
    opened.push(ledger)
    const snapshots = openSnapshotStore({
      folder: join(input.dataDir, 'cache', 'snapshots'),
      onDamaged: (damage) => logger.warn('a damaged snapshot is left out', damage),
    })
    opened.push(snapshots)
    await runWorkers(context, {
      ...input,
      log,
      ledger,
      snapshots,
      policies: new PolicyShelf(ledger, input.environment),
      policy: input.policy === null ? null : accept(input.policy),
      firstPolicy: input.firstPolicy === null ? null : accept(input.firstPolicy),
      checkPolicy: (policy) => checkSecret(policy, input.challengeSecret),
      nowMs: () => Date.now(),
      logger,
      metrics: createMetrics(),
      crashPoint: crashPointFrom(input.crashAt),
    })
  } finally {
    await Promise.allSettled(opened.map((one) => one.close()))
  }
})

async function runWorkers({ input, signal, ready, post, onMessage }: ThreadContext<ScreenerThreadInput>, shared: Shared): Promise<void> {
  const tell = (message: ScreenerMessage): void => post(message)
  if (shared.policy !== null) shared.checkPolicy(shared.policy.policy)
  const workers: PartitionWorker[] = []
  const stopAll = (): void => workers.forEach((worker) => void worker.stop().catch(() => undefined))
  try {
    for (let partition = 0; partition < input.partitionCount; partition++) {
      const worker = await startPartitionWorker({
        ...shared,
        partition,
        draw: challengeDraw(input.challengeSecret, partition),
        onBatch: (batch, fold) =>
          tell({
            kind: 'batch',
            partition,
            inputs: fold.step!.nextSequence - 1,
            revision: batch.head.revision,
            counts: countsOf(fold),
            decisions: input.tellDecisions ? batch.decisions : [],
          }),
        onIdle: (nextOffsets) => tell({ kind: 'idle', partition, nextOffsets }),
      })
      workers.push(worker)
    }
    onMessage((message) => {
      const request = message as ScreenerRequest
      if (request.kind === 'activate') for (const worker of workers) worker.activate(accept(request.policy))
    })
    ready({
      partitions: workers.map(({ fold }) => ({
        inputs: fold.step!.nextSequence - 1,
        counts: countsOf(fold),
        policyHash: fold.step!.policyHash,
      })),
    } satisfies ScreenerReady)
    signal.addEventListener('abort', stopAll)
    if (signal.aborted) stopAll()
    await Promise.all(workers.map((worker) => worker.done.finally(stopAll)))
  } finally {
    stopAll()
    await Promise.allSettled(workers.map((worker) => worker.done))
  }
}

function countsOf({ step }: JournalFold): InputCounts {
  return { statuses: { ...step!.statusCounts }, verdicts: { ...step!.verdictCounts }, dedupeUnchecked: step!.dedupeUncheckedCount }
}

function checkSecret(policy: Policy, secret: string): void {
  if (policy.randomChallenge.ratePpm > 0) assertChallengeSecret(secret, policy.randomChallenge.secretHash)
}

function accept(canonicalBytes: Uint8Array): AcceptedPolicy {
  const result = readPolicy(canonicalBytes)
  if (result.kind === 'rejected') throw new Error(`the policy was accepted before and is not now: ${result.problems[0].message}`)
  return result
}
