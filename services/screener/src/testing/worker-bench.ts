import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProposedRecord } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { screeningStream } from '@riskledger/journal'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { JournalFold } from '@riskledger/screening'
import { KeptLogger, MemoryEventLog, MemoryLedger, NO_METRICS } from '@riskledger/testing'
import { foldForward } from '../fold-journal'
import { startPartitionWorker, type PartitionWorker, type WorkerOptions } from '../partition-worker'
import { PolicyShelf } from '../policy-shelf'

export const STREAM = screeningStream(0, 0)
export const YAML = readFileSync(join(__dirname, '../../../../policies/default.yaml'), 'utf8')
export const POLICY = policyOf(YAML)
export const OTHER = policyOf(YAML.replace('name: default', 'name: other'))

export function policyOf(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

function eventIdOf(id: number): string {
  return `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
}

export function payment(id: number): ProposedRecord {
  const eventId = eventIdOf(id)
  const eventTimeMs = 1_778_697_618_000 + id * 1_000
  const value = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, eventId, paymentId: `p-${id}`, eventTimeMs }).slice()
  return { topic: 'payments', partition: 0, brokerTimeMs: eventTimeMs, orderTimeMs: undefined, key: Buffer.from('a-0293'), value }
}

export function login(id: number): ProposedRecord {
  const eventTimeMs = 1_778_697_618_000 + id * 1_000
  const value = encodeRaw('logins', { ...MINIMAL_EVENTS.logins, eventId: eventIdOf(100 + id), accountId: 'a-0293', eventTimeMs }).slice()
  return { topic: 'logins', partition: 0, brokerTimeMs: eventTimeMs, orderTimeMs: undefined, key: Buffer.from('a-0293'), value }
}

/** A worker over doubles, and a way to wait until it has taken so many inputs. */
export class Bench {
  readonly log = new MemoryEventLog()
  readonly running: PartitionWorker[] = []

  constructor(readonly ledger = new MemoryLedger()) {}

  async start(
    part: Partial<WorkerOptions> = {},
  ): Promise<{ readonly worker: PartitionWorker; readonly reached: (inputs: number) => Promise<void> }> {
    let waiting: { inputs: number; resolve: () => void }[] = []
    const held: { worker?: PartitionWorker } = {}
    const look = (): void => {
      const inputs = (held.worker?.fold.step?.nextSequence ?? 1) - 1
      for (const one of waiting) if (inputs >= one.inputs) one.resolve()
      waiting = waiting.filter((one) => inputs < one.inputs)
    }
    const worker = await startPartitionWorker({
      partition: 0,
      partitionCount: 1,
      environment: '',
      workerId: 'w-1',
      engineHash: 'e'.repeat(64),
      log: this.log,
      ledger: this.ledger,
      snapshots: null,
      policies: new PolicyShelf(this.ledger, ''),
      policy: POLICY,
      firstPolicy: null,
      checkPolicy: () => undefined,
      pace: { batchInputs: 4, snapshotInputs: 1_000_000 },
      draw: () => null,
      nowMs: () => 1_778_800_000_000,
      logger: new KeptLogger(),
      metrics: NO_METRICS,
      crashPoint: () => undefined,
      onBatch: look,
      onIdle: look,
      ...part,
    })
    held.worker = worker
    this.running.push(worker)
    const reached = (inputs: number): Promise<void> =>
      new Promise((resolve) => {
        waiting.push({ inputs, resolve })
        look()
      })
    return { worker, reached }
  }

  /** Stops all that was started, however it goes. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.running.map((worker) => worker.stop()))
  }

  /** What the journal folds to. */
  async fold(): Promise<JournalFold> {
    const fold = new JournalFold(STREAM)
    await foldForward(fold, { ledger: this.ledger, policies: new PolicyShelf(this.ledger, '') })
    return fold
  }
}

export async function whenAppended(ledger: MemoryLedger, type: string): Promise<void> {
  for await (const message of ledger.subscribeToStream(STREAM, { after: 'start', signal: new AbortController().signal }))
    if (message.kind === 'entry' && message.entry.type === type) return
}

export const types = (ledger: MemoryLedger): string[] => ledger.entriesOf(STREAM).map(({ type }) => type)
