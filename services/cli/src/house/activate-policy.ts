import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type Ledger } from '@riskledger/contracts'
import { lastEntry, screeningStream, storeArtifact } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { createLogger, type LockOwner, type Settings } from '@riskledger/runtime'
import { PolicyShelf, takeOver } from '@riskledger/screener'
import { openSnapshotStore } from '@riskledger/snapshots'
import type { Engine } from './engine'
import { noticeDamage } from './notice'
import type { House } from './open-house'
import { openLogToRead } from './open-log-to-read'
import { requestPolicy } from './policy-requests'

const POLL_MS = 50

/** Where a policy came into force, or that it was in force already. */
export interface Activation {
  readonly stream: string
  /** Revision of the journal's last entry once the policy was in force. */
  readonly revision: number
  readonly already: boolean
}

/** What an activation stands on. */
export interface ActivationOptions {
  readonly house: House
  readonly engine: Engine
  readonly environment: string
  readonly policy: AcceptedPolicy
}

/** Puts a policy into force while nobody else is at work: a tenure and a `PolicyActivated` in every journal that has another. */
export async function activateAlone({
  house,
  engine,
  environment,
  policy,
  logLevel,
}: ActivationOptions & { readonly logLevel: Settings['logLevel'] }): Promise<readonly Activation[]> {
  const { ledger, dataDir, folder } = house
  await storeArtifact(ledger, { bytes: engine.bundle, mediaType: 'text/javascript' }, environment)
  const log = await openLogToRead(house)
  const snapshots = openSnapshotStore({ folder: join(dataDir, 'cache', 'snapshots'), onDamaged: noticeDamage })
  try {
    const activations: Activation[] = []
    for (let partition = 0; partition < folder.partitions; partition++) {
      const stream = screeningStream(partition, 0, environment)
      const before = await stateOf(ledger, stream)
      if (before.policyHash === policy.hash) {
        activations.push({ stream, revision: before.revision, already: true })
        continue
      }
      const { fold } = await takeOver({
        partition,
        partitionCount: folder.partitions,
        environment,
        workerId: randomUUID(),
        engineHash: engine.hash,
        log,
        ledger,
        snapshots,
        policies: new PolicyShelf(ledger, environment),
        policy,
        firstPolicy: null,
        logger: createLogger({ name: 'policy', level: logLevel }),
      })
      activations.push({ stream, revision: fold.head.revision, already: false })
    }
    return activations
  } finally {
    await snapshots.close()
    await log?.close()
  }
}

/**
 * Asks whoever screens to put a policy into force, and waits until every journal shows it: the process that holds the folder, or, with an `owner` of null,
 * the screeners of a ledger elsewhere. Throws `data-folder-in-use` where that process does not follow requests, `limit-reached` past `timeoutMs`.
 */
export async function activateThrough(
  owner: LockOwner | null,
  { house, engine, environment, policy, timeoutMs }: ActivationOptions & { readonly timeoutMs: number },
): Promise<readonly Activation[]> {
  const { ledger, folder } = house
  const streams = Array.from({ length: folder.partitions }, (_, partition) => screeningStream(partition, 0, environment))
  const before = await Promise.all(streams.map((stream) => stateOf(ledger, stream)))
  if (before.every((state) => state.policyHash === policy.hash)) {
    return streams.map((stream, partition) => ({ stream, revision: before[partition].revision, already: true }))
  }
  if (owner !== null && !owner.command.startsWith('riskledger up')) {
    throw new RiskError(
      'data-folder-in-use',
      `${house.dataDir} is in use by process ${owner.pid} (${owner.command}), which takes no policies while it runs. Wait until it is done, then run this again.`,
      {
        retriable: true,
      },
    )
  }
  await requestPolicy({
    ledger,
    environment,
    engineHash: engine.hash,
    policy,
    requestedBy: `process-${process.pid}`,
    requestedAtMs: Date.now(),
  })
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const states = await Promise.all(streams.map((stream) => stateOf(ledger, stream)))
    if (states.every((state) => state.policyHash === policy.hash)) {
      return streams.map((stream, partition) => ({
        stream,
        revision: states[partition].revision,
        already: before[partition].policyHash === policy.hash,
      }))
    }
    if (performance.now() > deadlineMs)
      throw timedOut(owner, { policy, timeoutMs, missing: streams.filter((_, partition) => states[partition].policyHash !== policy.hash) })
    await pause(POLL_MS)
  }
}

/** Tail of a journal: its revision and the policy in force there. */
async function stateOf(ledger: Ledger, stream: string): Promise<{ readonly revision: number; readonly policyHash: string | null }> {
  const last = await lastEntry(ledger, stream)
  return last === null ? { revision: -1, policyHash: null } : { revision: last.recorded.revision, policyHash: last.metadata.policyHash }
}

function timedOut(
  owner: LockOwner | null,
  of: { readonly policy: AcceptedPolicy; readonly timeoutMs: number; readonly missing: readonly string[] },
): RiskError {
  const asked = owner === null ? 'The screeners of this ledger were' : `Process ${owner.pid} (${owner.command}) was`
  const message = `${asked} asked for policy ${of.policy.hash.slice(0, 12)}… and it is not in force after ${of.timeoutMs / 1000} s (${of.missing.join(', ')}). See what they printed; the request stands, and riskledger policy show tells when it is followed.`
  return new RiskError('limit-reached', message, { retriable: true })
}
