import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventLog, Ledger } from '@riskledger/contracts'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import type { PaymentInput } from '@riskledger/events'
import { DEFAULT_FALLBACK, parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { createMetrics, installationRoot } from '@riskledger/runtime'
import { PolicyShelf, startPartitionWorker, type PartitionWorker, type WorkerOptions } from '@riskledger/screener'
import { KeptLogger, MemoryEventLog, MemoryLedger, NO_METRICS } from '@riskledger/testing'
import { createApiKey } from '../api-keys'
import type { GatewayOptions } from '../gateway-options'
import { startGateway, type Gateway } from '../start-gateway'

/** The clock of a bench stands still here, a little after its events. */
export const NOW_MS = 1_778_697_700_000

/** The policy that ships, or a variation of it. */
export function policyOf(change: (yaml: string) => string = (yaml) => yaml): AcceptedPolicy {
  const result = parsePolicy(change(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8')))
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

/** A payment of its own id, at NOW_MS but for what is given. */
export function payment(id: number, part: Partial<PaymentInput> = {}): PaymentInput {
  const eventId = `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
  return { ...MINIMAL_EVENTS.payments, eventId, paymentId: `p-${id}`, eventTimeMs: NOW_MS, ...part }
}

/** A worker of a partition over these ports. */
function screen(ports: { readonly log: EventLog; readonly ledger: Ledger }, part: Partial<WorkerOptions> = {}): Promise<PartitionWorker> {
  return startPartitionWorker({
    partition: 0,
    partitionCount: ports.log.partitionCount,
    environment: '',
    workerId: 'w-1',
    engineHash: 'e'.repeat(64),
    ...ports,
    snapshots: null,
    policies: new PolicyShelf(ports.ledger, ''),
    policy: policyOf(),
    firstPolicy: null,
    checkPolicy: () => undefined,
    pace: { batchInputs: 64, snapshotInputs: 1_000_000 },
    draw: () => null,
    nowMs: () => NOW_MS,
    logger: new KeptLogger(),
    metrics: NO_METRICS,
    crashPoint: () => undefined,
    onBatch: () => undefined,
    onIdle: () => undefined,
    ...part,
  })
}

/** An answer of the gateway. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A gateway over a log and a ledger, in memory unless others are given, with a publisher's and a reader's key. */
export class GatewayBench {
  readonly publisher = createApiKey('checkout', 'publisher')
  readonly reader = createApiKey('auditor', 'reader')
  readonly logger = new KeptLogger()
  readonly metrics = createMetrics()
  readonly workers: PartitionWorker[] = []
  gateway!: Gateway
  private gateways: Gateway[] = []

  constructor(
    readonly log: EventLog = new MemoryEventLog(),
    readonly ledger: Ledger = new MemoryLedger(),
  ) {}

  get options(): GatewayOptions {
    return {
      log: this.log,
      ledger: this.ledger,
      environment: '',
      partitionCount: this.log.partitionCount,
      host: '127.0.0.1',
      port: 0,
      apiKeys: [this.publisher.record, this.reader.record],
      fallback: DEFAULT_FALLBACK,
      nowMs: () => NOW_MS,
      logger: this.logger,
      metrics: this.metrics,
    }
  }

  async open(part: Partial<GatewayOptions> = {}): Promise<Gateway> {
    this.gateway = await startGateway({ ...this.options, ...part })
    this.gateways.push(this.gateway)
    return this.gateway
  }

  async screen(part: Partial<WorkerOptions> = {}): Promise<PartitionWorker> {
    const worker = await screen({ log: this.log, ledger: this.ledger }, part)
    this.workers.push(worker)
    return worker
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()))
    await Promise.allSettled(this.workers.map((worker) => worker.stop()))
  }

  /** Sends a request as the publisher, JSON unless the body is text or bytes. */
  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    return this.ask(path, {
      method: 'POST',
      body: sent,
      headers: { authorization: `Bearer ${this.publisher.key}`, 'content-type': 'application/json', ...headers },
    })
  }

  /** Reads as the reader. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    return this.ask(path, { headers: { authorization: `Bearer ${this.reader.key}`, ...headers } })
  }

  async decide(event: PaymentInput, deadlineMs = 5_000): Promise<Answered> {
    return this.post('/v1/decisions', { topic: 'payments', event, deadlineMs })
  }

  private async ask(path: string, init: RequestInit): Promise<Answered> {
    const response = await fetch(`${this.gateway.url}${path}`, init)
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, body: json ? (JSON.parse(text) as Record<string, unknown>) : { text } }
  }
}
