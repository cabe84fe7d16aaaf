import { RiskError, type EventLog, type Ledger, type Logger } from '@riskledger/contracts'
import type { FallbackPolicy } from '@riskledger/policy'
import type { MetricsRegistry } from '@riskledger/runtime'
import type { ApiKey } from './api-keys'
import { assertTls } from './assert-tls'

/** What the gateway stands on and how it is reached. All but the ports is plain data. */
export interface GatewayOptions {
  /** Embedded or Kafka; of every topic it has `partitionCount` partitions. */
  readonly log: EventLog
  readonly ledger: Ledger
  /** Prefix of the streams' names; empty for none. */
  readonly environment: string
  readonly partitionCount: number
  /** Address to listen on. Anything but a loopback address wants `apiKeys`. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Certificate chain and private key, PEM. Default: plain HTTP, for loopback and for behind a proxy that ends TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Who may come in; `off` only on a loopback address: then everybody may do everything. */
  readonly apiKeys: readonly ApiKey[] | 'off'
  /** What is told when no verdict comes in time while no journal names a policy, as `fallbackOf(policy)` gives it; then the policy in force says it. */
  readonly fallback: FallbackPolicy
  readonly limits?: Partial<GatewayLimits>
  /** `source` of the `answers` that the gateway publishes. Default `gateway`. */
  readonly source?: string
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: MetricsRegistry
}

/** How much the gateway takes on. Every one can be reached, and is then told to the caller. */
export interface GatewayLimits {
  /** Events a second that each key may send; a body that holds none counts as one. Default 5,000. */
  readonly eventsPerSecond: number
  /** Events that a key may send at once, 1,000 or more. Default 10,000. */
  readonly burstEvents: number
  /** Largest body. Default 4 MiB. */
  readonly maxBodyBytes: number
  /** Requests under way at once; of several keys each may have half of them. Default 2,048. */
  readonly maxPendingRequests: number
  /** Bodies of requests under way, together; of several keys each may have half of that, but always one largest body. Default 64 MiB. */
  readonly maxPendingBytes: number
  /** Encoded events that wait for the log, together. Default 32 MiB. */
  readonly maxPendingAppendBytes: number
  /** Callers that wait for a verdict at once, and events without one whose callers have gone. Default 1,024 each. */
  readonly maxWaitingDecisions: number
  /** Connections at once; more are closed unheard. Default 4,096. */
  readonly maxConnections: number
  /** How long a caller may take to send one request. Default 10,000. */
  readonly requestTimeoutMs: number
  /** How long the log may take. Default 10,000. */
  readonly appendTimeoutMs: number
  /** How long a shutdown waits for what is under way. Default 15,000. */
  readonly drainTimeoutMs: number
  /** How long a caller waits who does not say. Default 150. */
  readonly defaultDeadlineMs: number
  /** Verdicts that are remembered, about 200 bytes each. Default 65,536. */
  readonly recentVerdicts: number
  /** Inflated journal that a look-up of an event reads, newest first, shared evenly among the partitions. Default 64 MiB. */
  readonly lookBackBytes: number
}

const DEFAULTS: GatewayLimits = {
  eventsPerSecond: 5_000,
  burstEvents: 10_000,
  maxBodyBytes: 4 * 1024 * 1024,
  maxPendingRequests: 2_048,
  maxPendingBytes: 64 * 1024 * 1024,
  maxPendingAppendBytes: 32 * 1024 * 1024,
  maxWaitingDecisions: 1_024,
  maxConnections: 4_096,
  requestTimeoutMs: 10_000,
  appendTimeoutMs: 10_000,
  drainTimeoutMs: 15_000,
  defaultDeadlineMs: 150,
  recentVerdicts: 65_536,
  lookBackBytes: 64 * 1024 * 1024,
}

/** Most events of one request. */
export const MAX_BATCH_EVENTS = 1_000
/** How long a caller may wait for a verdict, in milliseconds, at least and at most. */
export const DEADLINE_MS = { least: 1, most: 10_000 } as const

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/

/** The limits with their defaults. Throws `configuration-invalid` for what is no whole number from 1, or allows too little to work. */
export function limitsOf(limits: Partial<GatewayLimits> = {}): GatewayLimits {
  const all = { ...DEFAULTS, ...limits }
  for (const [name, value] of Object.entries(all)) {
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(`The gateway's limit ${name} is ${value}; it is a whole number from 1.`)
  }
  if (all.burstEvents < MAX_BATCH_EVENTS)
    throw invalid(
      `The gateway's limit burstEvents is ${all.burstEvents}; a batch has up to ${MAX_BATCH_EVENTS} events, so it is that or more.`,
    )
  if (all.defaultDeadlineMs > DEADLINE_MS.most)
    throw invalid(`The gateway's limit defaultDeadlineMs is ${all.defaultDeadlineMs}; it is ${DEADLINE_MS.most} at most.`)
  if (all.maxPendingBytes < all.maxBodyBytes)
    throw invalid(
      `The gateway's limit maxPendingBytes is ${all.maxPendingBytes}; one body may have ${all.maxBodyBytes}, so it is that or more.`,
    )
  return all
}

/** Refuses, with `configuration-invalid`, options that do not fit together, and a certificate or a private key that is none. */
export function assertFitting({ log, partitionCount, host, apiKeys, tls }: GatewayOptions): void {
  if (log.partitionCount !== partitionCount)
    throw invalid(`The log has ${log.partitionCount} partitions, and the gateway was told ${partitionCount}: events would go astray.`)
  if (apiKeys === 'off' && !LOOPBACK.test(host))
    throw invalid(
      `Authentication is off and the gateway would listen on ${host}: give it API keys, or a loopback address such as 127.0.0.1.`,
    )
  if (apiKeys !== 'off' && apiKeys.length === 0)
    throw invalid('The gateway has no API key, so nobody could come in. Make one with riskledger gateway keys create.')
  if (tls !== undefined) assertTls(tls)
}

function invalid(message: string): RiskError {
  return new RiskError('configuration-invalid', message, { retriable: false })
}
