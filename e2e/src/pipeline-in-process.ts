import { readFileSync } from 'node:fs'
import type { EventLog, Ledger } from '@riskledger/contracts'
import { openEmbeddedLog, type LogStore } from '@riskledger/embedded-log'
import { importFiles } from '@riskledger/files'
import { emptyHead, decodeInputsScreened, JournalDigest, openEntry, screeningStream } from '@riskledger/journal'
import { connectLedger } from '@riskledger/ledger'
import { startLedgerServer, type LedgerServer, type LedgerStorage } from '@riskledger/ledger-server'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { relationsOptions } from '@riskledger/relations'
import { runRelations } from '@riskledger/relations-service'
import { PolicyShelf, startPartitionWorker, type PartitionWorker, type WorkerOptions } from '@riskledger/screener'
import { KeptLogger, MemorySnapshots, NO_METRICS } from '@riskledger/testing'

/** Stands for the hash of the deciding code. */
const ENGINE_HASH = 'e'.repeat(64)
/** The import of every life begins at this moment, as one that goes on does. */
const STARTED_AT_MS = Date.UTC(2026, 10, 1)

/** Reads a policy file that is known to be good. */
export function policyOf(path: string): AcceptedPolicy {
  const result = parsePolicy(readFileSync(path, 'utf8'))
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

/** What a worker of partition 0 is started with, but for what a test gives it. */
export function workerOptions(given: Pick<WorkerOptions, 'log' | 'ledger' | 'policy'> & Partial<WorkerOptions>): WorkerOptions {
  return {
    partition: 0,
    partitionCount: 1,
    environment: '',
    workerId: 'worker-1',
    engineHash: ENGINE_HASH,
    snapshots: null,
    policies: new PolicyShelf(given.ledger, ''),
    firstPolicy: null,
    checkPolicy: () => undefined,
    pace: { batchInputs: 32, snapshotInputs: 1_000_000 },
    draw: () => null,
    nowMs: () => STARTED_AT_MS,
    logger: new KeptLogger(),
    metrics: NO_METRICS,
    crashPoint: () => undefined,
    onBatch: () => undefined,
    onIdle: () => undefined,
    ...given,
  }
}

/** Runs relations over a ledger until `signal` aborts. */
export function relationsOver(ledger: Ledger, policy: AcceptedPolicy, signal: AbortSignal): Promise<void> {
  const { relations, state } = policy.policy
  return runRelations({
    ledger,
    partitionCount: 1,
    environment: '',
    engineHash: ENGINE_HASH,
    codeHash: ENGINE_HASH,
    epochMs: relations.epochMs,
    state: relationsOptions(state),
    snapshots: new MemorySnapshots(),
    snapshotPace: { snapshotInputs: 100 },
    nowMs: () => STARTED_AT_MS,
    logger: new KeptLogger(),
    metrics: NO_METRICS,
    signal,
  })
}

/** What lies under a pipeline, and what it takes in. */
export interface PipelineOptions {
  /** Folder of its own; of its contents only what is not replaced by a store. */
  readonly folder: string
  readonly openStore: () => LogStore
  readonly storage: LedgerStorage
  readonly file: string
  readonly policy: AcceptedPolicy
}

/** Log, ledger, import, worker and relations in this process, over stores that a test provides. */
export class Pipeline {
  /** Emissions of the import that the log has acknowledged. */
  acknowledgedEmissions = 0
  /** The last batch that the ledger has acknowledged, `[firstRevision, lastRevision]`. */
  acknowledged: { readonly firstRevision: number; readonly lastRevision: number } | undefined
  private imported = false
  private worker: PartitionWorker | undefined
  private readonly leaving = new AbortController()
  private wake: () => void = () => undefined
  private readonly parts: Promise<unknown>[] = []
  private starting: Promise<void> = Promise.resolve()
  /** Resolves once every input of the file is in the ledger. */
  readonly drained = new Promise<void>((resolve) => (this.wake = resolve))

  private constructor(
    private readonly log: EventLog,
    private readonly server: LedgerServer,
    readonly ledger: Ledger,
  ) {}

  static async start(options: PipelineOptions): Promise<Pipeline> {
    const log = openEmbeddedLog({ folder: options.folder, partitionCount: 1, openStore: options.openStore })
    const server = await startLedgerServer({ folder: options.folder, storage: options.storage })
    const pipeline = new Pipeline(log, server, await connectLedger({ connectionString: server.connectionString }))
    pipeline.starting = pipeline.run(options)
    pipeline.starting.catch(() => undefined)
    return pipeline
  }

  /** Ends all parts; those that wait for a store must be let go by it. Errors of a dead world tell nothing. */
  async leave(): Promise<void> {
    this.leaving.abort()
    // The start may be under way still, and add to the parts.
    await Promise.allSettled([this.starting])
    await Promise.allSettled([...this.parts, this.worker?.stop()])
    await this.ledger.close()
    await this.server.close()
    await this.log.close()
  }

  private async run({ file, policy }: PipelineOptions): Promise<void> {
    const { log, ledger, leaving } = this
    const importing = importFiles({
      files: [file],
      log: { ...facade(log), appendColumns: (columns, progress) => this.append(columns, progress) },
      startedAtMs: STARTED_AT_MS,
      batchRecords: 48,
      signal: leaving.signal,
    }).then(() => (this.imported = true))
    this.parts.push(importing)
    importing.catch(() => undefined)
    this.worker = await startPartitionWorker(
      workerOptions({
        log,
        ledger,
        policy,
        onBatch: ({ head, entries }) =>
          (this.acknowledged = { firstRevision: head.revision - entries.length + 1, lastRevision: head.revision }),
        onIdle: (nextOffsets) => void this.checkDrained(nextOffsets),
      }),
    )
    if (!leaving.signal.aborted) this.parts.push(relationsOver(ledger, policy, leaving.signal))
  }

  private async append(...[columns, progress]: Parameters<EventLog['appendColumns']>): Promise<void> {
    await this.log.appendColumns(columns, progress)
    this.acknowledgedEmissions = progress?.emissions ?? this.acknowledgedEmissions
  }

  private async checkDrained(nextOffsets: readonly number[]): Promise<void> {
    if (!this.imported) return
    const [source] = await this.log.sources()
    if (nextOffsets.reduce((sum, offset) => sum + offset, 0) === source.emissions) this.wake()
  }
}

/** The log's methods as plain properties, so that one of them can be replaced. */
function facade(log: EventLog): EventLog {
  return {
    partitionCount: log.partitionCount,
    append: (records, progress) => log.append(records, progress),
    appendColumns: (columns, progress) => log.appendColumns(columns, progress),
    fetch: (request) => log.fetch(request),
    range: (topic, partition) => log.range(topic, partition),
    sources: () => log.sources(),
    changed: (timeoutMs, signal) => log.changed(timeoutMs, signal),
    close: () => log.close(),
  }
}

/** Inputs and digest of the journal of partition 0; throws where its chain is broken or a sequence is missing or there twice. */
export async function digestOf(ledger: Ledger): Promise<{ readonly inputs: number; readonly digest: string; readonly revision: number }> {
  const digest = new JournalDigest()
  let head = emptyHead(screeningStream(0, 0))
  let inputs = 0
  for await (const recorded of ledger.readStream(head.stream, { from: 'start', direction: 'forwards' })) {
    const opened = openEntry(head, recorded)
    if (opened.kind === 'faulty') throw new Error(`${recorded.stream}@${recorded.revision}: ${opened.reason}`)
    head = opened.entry.head
    if (opened.entry.type !== 'InputsScreened') continue
    const batch = decodeInputsScreened(opened.entry.data)
    if (batch.firstSequence !== inputs + 1) throw new Error(`sequence ${batch.firstSequence} follows ${inputs}`)
    const before = inputs
    inputs += batch.forEachInput((input, index) => {
      const sequence = before + index + 1
      digest.add(
        sequence,
        input,
        batch.facts.filter((fact) => fact.sequence === sequence),
      )
    })
  }
  return { inputs, digest: digest.finish(), revision: head.revision }
}
