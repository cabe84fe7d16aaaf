import { join } from 'node:path'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { connectLedger } from '@riskledger/ledger'
import { readPolicy, type AcceptedPolicy } from '@riskledger/policy'
import { createLogger, createMetrics, runThread } from '@riskledger/runtime'
import { openSnapshotStore } from '@riskledger/snapshots'
import { assertChallengeSecret, challengeDraw } from './challenge-draw'
import { crashPointFrom } from './crash-point'
import { startPartitionWorker, type PartitionWorker } from './partition-worker'
import { PolicyShelf } from './policy-shelf'
import type { ScreenerMessage, ScreenerRequest, ScreenerThreadInput } from './screener-protocol'

/** One thread runs the workers of all partitions that this process owns. */
runThread<ScreenerThreadInput>(async ({ input, signal, ready, post, onMessage }) => {
  const tell = (message: ScreenerMessage): void => post(message)
  const logger = createLogger({ name: 'screener', level: input.logLevel })
  const metrics = createMetrics()
  const log = await openEmbeddedLog({ folder: join(input.dataDir, 'log'), partitionCount: input.partitionCount, readOnly: true })
  const ledger = await connectLedger({ connectionString: input.connectionString })
  const snapshots = await openSnapshotStore({ folder: join(input.dataDir, 'cache', 'snapshots') })
  const policies = new PolicyShelf(ledger, input.environment)
  const policy = input.policy === null ? null : accept(input.policy)
  if (policy !== null && policy.policy.randomChallenge.ratePpm > 0) {
    assertChallengeSecret(input.challengeSecret, policy.policy.randomChallenge.secretHash)
  }
  const crashPoint = crashPointFrom(input.crashAt)
  const workers: PartitionWorker[] = []
  for (let partition = 0; partition < input.partitionCount; partition++) {
    const worker = await startPartitionWorker({
      partition,
      partitionCount: input.partitionCount,
      environment: input.environment,
      workerId: input.workerId,
      engineHash: input.engineHash,
      log,
      ledger,
      snapshots,
      policies,
      policy,
      draw: challengeDraw(input.challengeSecret, partition),
      nowMs: () => Date.now(),
      logger,
      metrics,
      crashPoint,
      onBatch: (batch, fold) =>
        tell({
          kind: 'batch',
          partition,
          inputs: fold.step!.nextSequence - 1,
          revision: batch.head.revision,
          counts: { statuses: { ...fold.step!.statusCounts }, verdicts: { ...fold.step!.verdictCounts }, dedupeUnchecked: fold.step!.dedupeUncheckedCount },
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
  ready({ partitions: workers.map((worker) => ({ inputs: worker.fold.step!.nextSequence - 1, policyHash: worker.fold.step!.policyHash })) })
  const stopAll = (): void => workers.forEach((worker) => void worker.stop().catch(() => undefined))
  signal.addEventListener('abort', stopAll)
  try {
    await Promise.all(workers.map((worker) => worker.done.finally(stopAll)))
  } finally {
    await Promise.allSettled(workers.map((worker) => worker.done))
    await Promise.allSettled([ledger.close(), log.close(), snapshots.close()])
  }
})

function accept(canonicalBytes: Uint8Array): AcceptedPolicy {
  const result = readPolicy(canonicalBytes)
  if (result.kind === 'rejected') throw new Error(`the policy was accepted before and is not now: ${result.problems[0].message}`)
  return result
}
