import { randomBytes } from 'node:crypto'
import { RAW_TOPICS, RiskError, type EventLog } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { screeningStream, sealEntry, ZERO_HASH, type ChainHead, type SealedEntry } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { PROCESS_TIMERS } from '@riskledger/runtime'
import { hashOfCopy, JournalFold, type StateAttested, type WorkerState } from '@riskledger/screening'
import { assertSameLog } from './assert-same-log'
import { entriesBeyond } from './entries-beyond'
import { forgetOfferedIfReplaced } from './fact-feed'
import { foldForward, foldFromSnapshot } from './fold-journal'
import { assertNotRemoved, register } from './journal-registry'
import type { WorkerOptions } from './partition-worker'
import { SnapshotTail } from './snapshot-tail'

/** Folded between two turns of the event loop: a few milliseconds of work. */
const TURN = { entries: 16, inputs: 256 }

/** What taking over a partition stands on. */
export type TakeOverOptions = Pick<
  WorkerOptions,
  | 'partition'
  | 'partitionCount'
  | 'environment'
  | 'workerId'
  | 'engineHash'
  | 'ledger'
  | 'snapshots'
  | 'policies'
  | 'policy'
  | 'firstPolicy'
  | 'logger'
  | 'stillMine'
  | 'randomBytes'
  | 'entriesAhead'
  | 'stateHasher'
  | 'timers'
> & {
  /** Kept from one try to the next: a worker that took the partition over between them is not fenced. */
  readonly tries?: { generation: number | null }
  /** As in `WorkerOptions`; left out by whoever takes over and screens nothing. */
  readonly checkPolicy?: WorkerOptions['checkPolicy']
  /** A journal that has no entry yet begins at its first offsets; one that has must have been made from it. Null: a log that has none yet, so at 0. */
  readonly log: Pick<EventLog, 'range' | 'fetch'> | null
}

/** A partition that was taken over. */
export interface TakenOver {
  /** At the journal's end. */
  readonly fold: JournalFold
  /** Hash of the state that the tenure began with, for `StateAttested`; rejects as `StateHasher.hash` does; null where `TenureBegan` tells it. */
  readonly stateHash: Promise<string> | null
}

/**
 * Folds what is there and appends `TenureBegan`, again from the fold on where somebody else was faster or nobody knows whether it was written.
 * Throws `fenced` where somebody else has taken the partition over in the meantime, and, before it fences anybody, `log-replaced` where the log is not
 * the one that the journal was made from (`assertSameLog`), and what `checkPolicy` throws of the policy that the tenure would begin under.
 */
export async function takeOver(options: TakeOverOptions): Promise<TakenOver> {
  const stream = screeningStream(options.partition, 0, options.environment)
  const context = { ledger: options.ledger, policies: options.policies }
  let { fold, tail } = await foldNewestSnapshot(stream, options)
  let prepared = false
  for (let round = 0; ; round++) {
    const [fromRevision, inputsBefore] = [fold.head.revision + 1, fold.inputCount]
    const beyond = tail === null ? await entriesBeyond(fold, options) : { entries: tail }
    tail = null
    const entries = await foldForward(fold, context, { ...beyond, nextTurn: turns(fold, options) })
    options.logger.info('journal folded', { stream, fromRevision, entries, inputs: fold.inputCount - inputsBefore })
    if (fold.mismatchCount > 0) refuseMismatch(fold, options)
    if (round === 0) assertNobodyCameBetween(fold, options)
    try {
      if (fold.step === null) await begin(fold, options)
      else assertSamePartitions(fold, options)
      if (!prepared) {
        await prepare(fold, options)
        prepared = true
        // Whoever is at work appends all the while: only what must be is done between the last look at the journal and the append.
        await foldForward(fold, context)
      }
      const { generation, stateHash } = await appendTenure(fold, options)
      // The own entries come back through the same fold as everybody's.
      await foldForward(fold, context)
      assertStillOwn(fold, { workerId: options.workerId, generation })
      options.logger.info('partition taken over', { stream, generation })
      return { fold, stateHash }
    } catch (error) {
      if (!(error instanceof RiskError) || !FOLD_ON.has(error.code)) throw error
      options.logger.info('another worker moved the journal; folding on', { stream })
      if (fold.step === null) fold = new JournalFold(stream)
    }
  }
}

/** A fold at the newest snapshot, and the entries beyond it where they are being read already. */
async function foldNewestSnapshot(
  stream: string,
  options: TakeOverOptions,
): Promise<{ readonly fold: JournalFold; readonly tail: SnapshotTail | null }> {
  const { ledger, policies, snapshots, engineHash: formatHash, logger } = options
  const tail = await SnapshotTail.begin(stream, options)
  try {
    const fold = await foldFromSnapshot(stream, { ledger, policies }, { snapshots, formatHash })
    if (fold.head.revision >= 0) logger.info('snapshot read', { stream, revision: fold.head.revision })
    if (tail === null || tail.continues(fold)) return { fold, tail }
    await tail.close()
    return { fold, tail: null }
  } catch (error) {
    await tail?.close()
    throw error
  }
}

/** Lets what else the thread does go on after each few entries: a fold may take long, and so does a turn where entries are small. */
function turns(fold: JournalFold, options: TakeOverOptions): () => Promise<void> {
  const timers = options.timers ?? PROCESS_TIMERS
  let [entries, inputs] = [fold.entryCount, fold.inputCount]
  return async () => {
    if (fold.entryCount - entries < TURN.entries && fold.inputCount - inputs < TURN.inputs) return
    ;[entries, inputs] = [fold.entryCount, fold.inputCount]
    await timers.nextTurn()
    // The next assignment waits for it.
    assertStillMine(options)
  }
}

/** Errors of an append after which the journal tells what to do next. */
const FOLD_ON: ReadonlySet<string> = new Set(['wrong-expected-revision', 'append-outcome-unknown'])

/** Whoever meets a newer tenure stops at once and sends nothing. */
function assertStillOwn(fold: JournalFold, { workerId, generation }: { readonly workerId: string; readonly generation: number }): void {
  const { tenure } = fold
  if (tenure?.workerId === workerId && tenure.generation === generation) return
  refuseAsFenced(fold.head)
}

function refuseAsFenced({ stream, revision }: ChainHead): never {
  const text = `${stream}@${revision}: another worker took the partition over as this one began; this one stops.`
  throw new RiskError('fenced', text, { retriable: false, context: { stream, revision } })
}

/** Throws `cancelled` where the partition was given to another worker meanwhile, who must not be fenced. */
export function assertStillMine({ stillMine, partition }: Pick<TakeOverOptions, 'stillMine' | 'partition'>): void {
  if (stillMine?.() !== false) return
  throw new RiskError('cancelled', `partition ${partition} was given to another worker before this one had taken it over.`, {
    retriable: false,
    context: { partition },
  })
}

/** Who was away for a while takes nothing from who came meanwhile. */
function assertNobodyCameBetween({ tenure, head }: JournalFold, { workerId, tries }: TakeOverOptions): void {
  if (tries === undefined) return
  const generation = tenure?.generation ?? 0
  tries.generation ??= generation
  if (generation > tries.generation && tenure?.workerId !== workerId) refuseAsFenced(head)
}

/** First entry of a partition's journal. */
async function begin(fold: JournalFold, options: TakeOverOptions): Promise<void> {
  await assertNotRemoved(options)
  const data = encodeLedgerJson('SegmentOpened', {
    partition: options.partition,
    segment: 0,
    partitionCount: options.partitionCount,
    topics: [...RAW_TOPICS],
    // Retention may have taken the log's beginning before anybody was there to read it.
    nextOffsets: await Promise.all(RAW_TOPICS.map(async (topic) => (await options.log?.range(topic, options.partition))?.start ?? 0)),
    previousStream: null,
    previousEntryHash: null,
    stateHash: ZERO_HASH,
    stateArtifact: null,
    dedupeKey: Buffer.from((options.randomBytes ?? randomBytes)(16)).toString('hex'),
    environment: options.environment === '' ? null : options.environment,
  })
  const metadata = { engineHash: options.engineHash, policyHash: ZERO_HASH }
  const sealed = sealEntry(fold.head, { type: 'SegmentOpened', contentType: 'json', data, metadata })
  await options.ledger.append(fold.head.stream, 'no-stream', [sealed.proposed])
  await foldForward(fold, { ledger: options.ledger, policies: options.policies })
}

/** Puts into the ledger what the tenure refers to, and looks whether the journal goes on in this log, and facts in these relations streams. */
async function prepare(fold: JournalFold, options: TakeOverOptions): Promise<void> {
  await forgetOfferedIfReplaced(options.ledger, fold.step!.facts)
  if (options.log !== null) await assertSameLog(fold, { ...options, log: options.log })
  await register(options)
  const policy = policyToBegin(fold, options)
  if (policy !== null) await options.policies.store(policy)
}

/** The policy that the tenure puts into force; null where the journal's own goes on. */
function policyToBegin(fold: JournalFold, options: TakeOverOptions): AcceptedPolicy | null {
  const { policyHash } = fold.step!
  const policy = options.policy ?? (policyHash === ZERO_HASH ? options.firstPolicy : null)
  return policy === null || policy.hash === policyHash ? null : policy
}

/**
 * Appends the tenure, with the policy that begins with it. Whoever is still at work appends every few milliseconds, and each of its entries refuses the tenure: the hash of a
 * large state, which takes longer, is made afterwards.
 */
async function appendTenure(
  fold: JournalFold,
  options: TakeOverOptions,
): Promise<{ readonly generation: number; readonly stateHash: TakenOver['stateHash'] }> {
  const step = fold.step!
  const policy = policyToBegin(fold, options)
  if (policy === null && step.policyHash === ZERO_HASH) {
    throw new RiskError('policy-invalid', `${fold.head.stream} is new and no policy was given to begin with. Name one with --policy.`, {
      retriable: false,
    })
  }
  options.checkPolicy?.((policy ?? step).policy)
  assertStillMine(options)
  const generation = (fold.tenure?.generation ?? 0) + 1
  const state = { step, nextOffsets: fold.nextOffsets, tenure: fold.tenure }
  const isNew = step.policyHash === ZERO_HASH
  const attestedLater = !isNew && options.stateHasher?.takes(state) === true
  const data = encodeLedgerJson('TenureBegan', {
    workerId: options.workerId,
    generation,
    engineHash: options.engineHash,
    stateHash: isNew || attestedLater ? ZERO_HASH : hashToTell(state, options),
    recordsAnswers: true,
  })
  const tenure = sealEntry(fold.head, {
    type: 'TenureBegan',
    contentType: 'json',
    data,
    metadata: { engineHash: options.engineHash, policyHash: step.policyHash },
  })
  const entries = [tenure.proposed]
  if (policy !== null) {
    assertSameEpochs(step.policyHash === ZERO_HASH ? null : step.policy, policy.policy)
    // Stored before; again where another worker has switched the policy since, and it is at hand then.
    await options.policies.store(policy)
    entries.push(sealPolicy(tenure.head, policy, options.engineHash).proposed)
  }
  await options.ledger.append(fold.head.stream, fold.head.revision, entries)
  // Before the fold goes on with these entries: they are no part of the state.
  const stateHash = attestedLater ? options.stateHasher.hash(state, options.policies.get(step.policyHash)) : null
  // Whoever awaits it sees the rejection.
  stateHash?.catch(() => undefined)
  return { generation, stateHash }
}

/** Of a copy: where the tenure is refused the fold goes on from here, and only what is in the journal may move it. */
function hashToTell(state: WorkerState, { policies, logger, partition }: TakeOverOptions): string {
  const stateHash = hashOfCopy(state, (hash) => policies.get(hash))
  if (stateHash === null) logger.warn('the state of this tenure is too large to be copied and hashed: no entry attests it', { partition })
  return stateHash ?? ZERO_HASH
}

/** Epochs number what relations learned; another length in the middle of a journal would let two numbers mean one time. */
export function assertSameEpochs(inForce: Policy | null, next: Policy): void {
  if (inForce === null) return
  const { epochMs, visibilityLagEpochs } = inForce.relations
  if (next.relations.epochMs === epochMs && next.relations.visibilityLagEpochs === visibilityLagEpochs) return
  throw new RiskError(
    'policy-invalid',
    `relations.epochMs and relations.visibilityLagEpochs are fixed by the policy that the journal began with (${epochMs} and ${visibilityLagEpochs}); the new policy has ${next.relations.epochMs} and ${next.relations.visibilityLagEpochs}. Keep them, or begin a new data folder.`,
    { retriable: false },
  )
}

/** The entry that puts a policy into force from the next input on. */
export function sealPolicy(head: ChainHead, policy: AcceptedPolicy, engineHash: string): SealedEntry {
  const data = encodeLedgerJson('PolicyActivated', { policyHash: policy.hash, mode: 'live', approvers: [] })
  return sealEntry(head, { type: 'PolicyActivated', contentType: 'json', data, metadata: { engineHash, policyHash: policy.hash } })
}

/** The entry that tells the hash of the state that a tenure began with. */
export function sealStateHash(
  head: ChainHead,
  attested: StateAttested,
  metadata: { readonly engineHash: string; readonly policyHash: string },
): SealedEntry {
  const data = encodeLedgerJson('StateAttested', attested)
  return sealEntry(head, { type: 'StateAttested', contentType: 'json', data, metadata })
}

function assertSamePartitions(fold: JournalFold, options: TakeOverOptions): void {
  const { partitionCount } = fold.step!.identity
  if (partitionCount === options.partitionCount) return
  throw new RiskError(
    'configuration-invalid',
    `${fold.head.stream} was made with ${partitionCount} partitions; ${options.partitionCount} were asked for. Leave out --partitions.`,
    { retriable: false },
  )
}

/** The same code must decide the same; other code may differ, and what is recorded stands. */
function refuseMismatch(fold: JournalFold, options: TakeOverOptions): void {
  const first = fold.firstMismatch!
  const text = `${first.stream}@${first.revision}, sequence ${first.sequence}: ${first.field} is recorded as ${first.recorded} and folds to ${first.folded}`
  if (fold.tenure !== null && fold.tenure.engineHash !== options.engineHash) {
    options.logger.warn('other code decided differently before; its recorded decisions stand', {
      first: text,
      mismatches: fold.mismatchCount,
    })
    return
  }
  throw new RiskError('journal-mismatch', `${text}. The journal does not repeat under the code that wrote it; run riskledger replay.`, {
    retriable: false,
  })
}
