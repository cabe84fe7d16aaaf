import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { RAW_TOPICS } from '@riskledger/contracts'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { storeArtifact, screeningStream } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { schemaArtifacts } from '@riskledger/events'
import { RELATIONS_THREAD, type RelationsThreadInput } from '@riskledger/relations-service'
import { startThread, threadModule, type Settings, type Thread } from '@riskledger/runtime'
import {
  assertChallengeSecret,
  assertSameEpochs,
  DEFAULT_PACE,
  SCREENER_THREAD,
  type InputCounts,
  type ScreenerMessage,
  type ScreenerReady,
  type ScreenerRequest,
  type ScreenerThreadInput,
  type WorkerPace,
} from '@riskledger/screener'
import type { RecordedDecision } from '@riskledger/screening'
import type { IngestMessage, IngestResult, IngestThreadInput } from '../threads/ingest-thread'
import { activePolicy } from './active-policy'
import type { Engine } from './engine'
import type { House } from './open-house'

const INGEST_THREAD = threadModule(__dirname, { source: '../threads/ingest-thread.ts', bundled: 'ingest-thread' })

/** What a run of the screener over a house stands on. */
export interface ScreeningRunOptions {
  readonly house: House
  readonly engine: Engine
  /** Put into force at the start; null: the journals' own. */
  readonly policy: AcceptedPolicy | null
  /** With which journals begin that have none yet, where `policy` is null. */
  readonly firstPolicy?: AcceptedPolicy
  readonly challengeSecret: string
  readonly environment: string
  readonly logLevel: Settings['logLevel']
  readonly crashAt: string | undefined
  readonly pace?: WorkerPace
  /** Files to take in; none: only what the log still holds. */
  readonly files: readonly string[]
  readonly mapping: string | null
  readonly strict: boolean
  readonly tellDecisions: boolean
  readonly onDecisions?: (decisions: readonly RecordedDecision[]) => void
  readonly onRejected?: (message: string) => void
  readonly onProgress?: (progress: RunProgress) => void
}

/** How far a run is. */
interface RunProgress {
  readonly inputs: number
  readonly emissions: number
  readonly bytesRead: number
  readonly bytesTotal: number
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
  const { house, engine, environment } = options
  await storeArtifact(house.ledger, { bytes: engine.bundle, mediaType: 'text/javascript' }, environment)
  for (const schema of schemaArtifacts()) {
    await storeArtifact(
      house.ledger,
      { bytes: Buffer.from(schema.canonicalJson), mediaType: 'application/vnd.apache.avro+json' },
      environment,
    )
  }
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
  const { house } = options
  const tally = new Tally(options)
  const ingest: Thread<void, IngestResult> = startThread(INGEST_THREAD, {
    name: 'ingest',
    input: ingestInput(options),
    onMessage: (message) => tally.onIngest(message as IngestMessage),
  })
  threads.push(ingest)
  await ingest.ready
  const screener: Thread<ScreenerReady> = startThread(SCREENER_THREAD, {
    name: 'screener',
    input: screenerInput(options),
    onMessage: (message) => tally.onScreener(message as ScreenerMessage),
  })
  threads.push(screener)
  const started = await Promise.race([screener.ready, house.failed, ingest.done.then(never)])
  tally.begin(started)
  const stream = screeningStream(0, 0, options.environment)
  const { policy: begunWith } = await activePolicy(house.ledger, { stream, which: 'first', environment: options.environment })
  const relations = startThread(RELATIONS_THREAD, { name: 'relations', input: relationsInput(options, begunWith) })
  threads.push(relations)
  await Promise.race([relations.ready, house.failed])
  const failed = Promise.race([house.failed, ...[screener, relations].map(endedEarly), ingest.done.then(never)])
  failed.catch(() => undefined)
  return {
    drained: Promise.race([failed, ingest.done.then(async (summary) => (await tally.drained(), summary))]),
    failed,
    counts: () => tally.counts(),
    inputs: () => tally.inputs(),
    inputsBefore: started.partitions.reduce((sum, partition) => sum + partition.inputs, 0),
    activate: ({ policy, canonicalBytes }) => {
      assertSameEpochs(begunWith, policy)
      if (policy.randomChallenge.ratePpm > 0) assertChallengeSecret(options.challengeSecret, policy.randomChallenge.secretHash)
      screener.post({ kind: 'activate', policy: canonicalBytes } satisfies ScreenerRequest)
    },
    stop,
  }
}

/** Relations go by the policy that the journals began with: their epochs have numbers, and those do not change. */
function relationsInput({ house, engine, environment, logLevel, crashAt }: ScreeningRunOptions, begunWith: Policy): RelationsThreadInput {
  const { relations, state } = begunWith
  return {
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment,
    engineHash: engine.hash,
    epochMs: relations.epochMs,
    state: {
      labelDelayMs: state.labelDelayMs,
      labelMemoryMs: state.labelMemoryMs,
      maxKeys: state.maxAccounts,
      maxRemembered: state.maxRemembered,
    },
    logLevel,
    crashAt,
  }
}

function ingestInput(options: ScreeningRunOptions): IngestThreadInput {
  const { house, files, mapping, strict, crashAt } = options
  const batchRecords = (options.pace ?? DEFAULT_PACE).batchInputs
  return {
    dataDir: house.dataDir,
    partitionCount: house.folder.partitions,
    files,
    mapping,
    strict,
    crashAt,
    batchRecords,
    startedAtMs: Date.now(),
  }
}

function screenerInput(options: ScreeningRunOptions): ScreenerThreadInput {
  const { house, policy } = options
  return {
    dataDir: house.dataDir,
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment: options.environment,
    workerId: randomUUID(),
    engineHash: options.engine.hash,
    policy: policy === null ? null : policy.canonicalBytes,
    firstPolicy: options.firstPolicy === undefined ? null : options.firstPolicy.canonicalBytes,
    pace: options.pace ?? DEFAULT_PACE,
    challengeSecret: options.challengeSecret,
    tellDecisions: options.tellDecisions,
    logLevel: options.logLevel,
    crashAt: options.crashAt,
  }
}

const never = (): Promise<never> => new Promise<never>(() => undefined)

function endedEarly(thread: Thread): Promise<never> {
  return thread.done.then(never)
}

/** Adds up what the threads tell. */
class Tally {
  private readonly partitions = new Map<number, { inputs: number; counts: InputCounts }>()
  private readonly idle = new Map<number, readonly number[]>()
  private progress = { emissions: 0, bytesRead: 0, bytesTotal: 0 }
  private check: (() => void) | null = null

  constructor(private readonly options: ScreeningRunOptions) {}

  /** What the journals held before this run; batches that were told meanwhile are newer. */
  begin({ partitions }: ScreenerReady): void {
    for (const [partition, { inputs, counts }] of partitions.entries()) {
      if (!this.partitions.has(partition)) this.partitions.set(partition, { inputs, counts })
    }
  }

  onIngest(message: IngestMessage): void {
    if (message.kind === 'rejected') this.options.onRejected?.(message.message)
    else {
      this.progress = message
      this.tell()
    }
  }

  onScreener(message: ScreenerMessage): void {
    if (message.kind === 'idle') {
      this.idle.set(message.partition, message.nextOffsets)
      this.check?.()
      return
    }
    this.partitions.set(message.partition, { inputs: message.inputs, counts: message.counts })
    if (message.decisions.length > 0) this.options.onDecisions?.(message.decisions)
    this.tell()
  }

  inputs(): number {
    let inputs = 0
    for (const partition of this.partitions.values()) inputs += partition.inputs
    return inputs
  }

  counts(): InputCounts {
    const sum = {
      statuses: { screened: 0, observed: 0, late: 0, duplicate: 0, conflicting: 0, quarantined: 0 },
      verdicts: { allow: 0, challenge: 0, hold: 0, block: 0 },
      dedupeUnchecked: 0,
    }
    for (const { counts } of this.partitions.values()) {
      for (const status of Object.keys(sum.statuses) as (keyof typeof sum.statuses)[]) sum.statuses[status] += counts.statuses[status]
      for (const verdict of Object.keys(sum.verdicts) as (keyof typeof sum.verdicts)[]) sum.verdicts[verdict] += counts.verdicts[verdict]
      sum.dedupeUnchecked += counts.dedupeUnchecked
    }
    return sum
  }

  /** Resolves once every partition stands at the end of every topic, as the log tells it after the import's end. */
  async drained(): Promise<void> {
    const ends = await this.logEnds()
    await new Promise<void>((resolve) => {
      this.check = () => {
        if (ends.every((end, partition) => this.idle.get(partition)?.every((offset, topic) => offset >= end[topic]) ?? false)) resolve()
      }
      this.check()
    })
  }

  private async logEnds(): Promise<number[][]> {
    const { house } = this.options
    const log = openEmbeddedLog({ folder: join(house.dataDir, 'log'), partitionCount: house.folder.partitions, readOnly: true })
    try {
      const ends: number[][] = []
      for (let partition = 0; partition < house.folder.partitions; partition++) {
        ends.push(await Promise.all(RAW_TOPICS.map(async (topic) => (await log.range(topic, partition)).end)))
      }
      return ends
    } finally {
      await log.close()
    }
  }

  private tell(): void {
    this.options.onProgress?.({ inputs: this.inputs(), ...this.progress })
  }
}
