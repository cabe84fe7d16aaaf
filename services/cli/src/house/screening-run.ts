import assert from 'node:assert'
import { screeningStream } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { RELATIONS_THREAD } from '@riskledger/relations-service'
import { loadThread, threadModule, type LoadingThread, type Thread } from '@riskledger/runtime'
import {
  assertChallengeSecret,
  assertSameEpochs,
  DEFAULT_PACE,
  SCREENER_THREAD,
  type InputCounts,
  type ScreenerMessage,
  type ScreenerReady,
  type ScreenerRequest,
} from '@riskledger/screener'
import type { IngestMessage, IngestResult, IngestThreadInput } from '../threads/ingest-thread'
import { activePolicy, activePolicyIfAny } from './active-policy'
import { loadLedgerThread, type HouseOptions, type LedgerThread } from './open-house'
import { RunTally, type TallyListeners } from './run-tally'
import { everyPartition, relationsInput, screenerInput, storeArtifacts, type PartOptions } from './thread-inputs'

const INGEST_THREAD = threadModule(__dirname, { source: '../threads/ingest-thread.ts', bundled: 'ingest-thread' })

/** The threads of a house and of a run over it, which load while that opens. */
export interface ScreeningParts {
  /** Null: the ledger is elsewhere. */
  readonly ledger: LedgerThread | null
  /** Null: the log is a cluster's, which takes no files from here. */
  readonly ingest: LoadingThread<void> | null
  readonly screener: LoadingThread<ScreenerReady>
  readonly relations: LoadingThread
  /** Ends those that never began; those that did are the house's and the run's. */
  end(): Promise<void>
}

/** Starts to load all that a house like this is made of: the ledger's thread first, for which the others wait. */
export function loadScreeningParts({ ledgerUrl, kafka }: Pick<HouseOptions, 'ledgerUrl' | 'kafka'>): ScreeningParts {
  const loading: Pick<LoadingThread, 'end'>[] = []
  const load = <Ready, Result>(thread: LoadingThread<Ready, Result>): LoadingThread<Ready, Result> => {
    loading.push(thread)
    return thread
  }
  const end = async (): Promise<void> => {
    await Promise.all(loading.map((thread) => thread.end()))
  }
  try {
    const ledger = ledgerUrl === null ? load(loadLedgerThread()) : null
    const screener = load(loadThread<ScreenerReady>(SCREENER_THREAD, 'screener'))
    const ingest = kafka === null ? load(loadThread<void>(INGEST_THREAD, 'ingest')) : null
    const relations = load(loadThread(RELATIONS_THREAD, 'relations'))
    return { ledger, screener, ingest, relations, end }
  } catch (error) {
    // The system gives no more threads: those that there are would keep the process.
    void end()
    throw error
  }
}

/** What a run of the screener over a house stands on. */
export interface ScreeningRunOptions extends PartOptions, TallyListeners {
  readonly parts: ScreeningParts
  /** Files to take in; none: only what the log still holds. */
  readonly files: readonly string[]
  readonly mapping: string | null
  readonly strict: boolean
}

/** A run: ingest, screener and relations, each a thread beside the ledger's. */
export interface ScreeningRun {
  /** Resolves once every file is in the log and everything in the log is in the ledger. */
  readonly drained: Promise<IngestResult>
  /** Rejects if a part dies; never resolves. */
  readonly failed: Promise<never>
  counts(): InputCounts
  inputs(): number
  /** Inputs that the journals held when the run began. */
  readonly inputsBefore: number
  /** Puts a policy into force at the next batch boundary; throws a `RiskError` where this journal or this process cannot go on by it. */
  activate(policy: AcceptedPolicy): void
  stop(): Promise<void>
}

/** Starts the parts in the order in which they need each other. */
export async function startScreeningRun(options: ScreeningRunOptions): Promise<ScreeningRun> {
  await storeArtifacts(options)
  const threads: Thread[] = []
  // How a part ended shows in `drained` and `failed`; a part that is stopped in the middle says no more than that.
  const stop = async (): Promise<void> => {
    await Promise.allSettled(threads.map((thread) => thread.stop()))
  }
  try {
    return await startThreads(options, { threads, stop })
  } catch (error) {
    // A part that was started would wait for the ledger long after it is gone, and keep the process with it.
    await stop()
    throw error
  }
}

async function startThreads(
  options: ScreeningRunOptions,
  { threads, stop }: { readonly threads: Thread[]; readonly stop: () => Promise<void> },
): Promise<ScreeningRun> {
  const { house, parts } = options
  const tally = new RunTally(options)
  const { ingested } =
    parts.ingest === null ? { ingested: Promise.resolve(null) } : await startIngest(options, { thread: parts.ingest, threads, tally })
  const screener = parts.screener.begin(screenerInput(options, everyPartition(house)), (message) =>
    tally.onScreener(message as ScreenerMessage),
  )
  threads.push(screener)
  // Not ended by a file that cannot be read to its end: what was taken of it has a journal then, by which `verify` knows that it is not lost.
  const started = await Promise.race([screener.ready, house.failed])
  tally.begin(started)
  const stream = screeningStream(0, 0, options.environment)
  const { policy: begunWith } = await activePolicy(house.ledger, { stream, which: 'first', environment: options.environment })
  const relations = parts.relations.begin(relationsInput(options, begunWith))
  threads.push(relations)
  await Promise.race([relations.ready, house.failed])
  const failed = Promise.race([house.failed, ...[screener, relations].map(endedEarly), ingested.then(never)])
  failed.catch(() => undefined)
  return {
    drained: Promise.race([failed, ingested.then(async (summary) => (await tally.drained(), summary))]),
    failed,
    counts: () => tally.counts(),
    inputs: () => tally.inputs(),
    inputsBefore: started.partitions.reduce((sum, partition) => sum + partition.inputs, 0),
    activate: ({ policy, canonicalBytes }) => {
      assertSameEpochs(begunWith, policy)
      assertChallengeSecret(policy, options.challengeSecret)
      screener.post({ kind: 'activate', policy: canonicalBytes } satisfies ScreenerRequest)
    },
    stop,
  }
}

/** Starts to take files into the embedded log, which is made where it is missing. */
async function startIngest(
  options: ScreeningRunOptions,
  { thread, threads, tally }: { readonly thread: LoadingThread<void>; readonly threads: Thread[]; readonly tally: RunTally },
): Promise<{ readonly ingested: Promise<IngestResult> }> {
  let takenIn: (result: IngestResult) => void = () => undefined
  const result = new Promise<IngestResult>((resolve) => (takenIn = resolve))
  const ingest = thread.begin(await ingestInput(options), (message) => {
    const told = message as IngestMessage
    if (told.kind === 'taken-in') takenIn(told.result)
    else tally.onIngest(told)
  })
  threads.push(ingest)
  await ingest.ready
  const ingested = Promise.race([result, endedEarly(ingest)])
  // Whoever awaits it sees the rejection.
  ingested.catch(() => undefined)
  return { ingested }
}

/** That of the policy by which the inputs are going to be screened, where there is one yet. */
async function maxSkewMs({ house, policy, firstPolicy, environment }: ScreeningRunOptions): Promise<number | null> {
  const stream = screeningStream(0, 0, environment)
  const goingBy = policy ?? (await activePolicyIfAny(house.ledger, { stream, which: 'last', environment })) ?? firstPolicy
  return goingBy?.policy.state.maxSkewMs ?? null
}

async function ingestInput(options: ScreeningRunOptions): Promise<IngestThreadInput> {
  const { house, files, mapping, strict, crashAt } = options
  assert(house.log.kind === 'embedded', 'files go into an embedded log only')
  const batchRecords = (options.pace ?? DEFAULT_PACE).batchInputs
  return {
    logFolder: house.log.folder,
    maxSkewMs: await maxSkewMs(options),
    partitionCount: house.folder.partitions,
    files,
    mapping,
    strict,
    crashAt,
    batchRecords,
    startedAtMs: Date.now(),
  }
}

const never = (): Promise<never> => new Promise<never>(() => undefined)

function endedEarly(thread: Thread): Promise<never> {
  return thread.done.then(never)
}
