import { setTimeout as sleep } from 'node:timers/promises'
import { type EventData, type EventStoreDBClient } from '@eventstore/db-client'
import {
  RiskError,
  type ExpectedRevision,
  type Ledger,
  type ProposedEntry,
  type ReadStreamOptions,
  type RecordedEntry,
  type SubscriptionMessage,
} from '@riskledger/contracts'
import type { BatchAppends } from './batch-appends'
import { openRead, supportsBatchAppend } from './client-calls'
import { connectError, connectionInvalid, NoAnswerError } from './connect-error'
import { follow } from './follow'
import { InFlightLimit } from './in-flight-limit'
import { appendError, readError, tooLarge } from './ledger-errors'
import { PulledStream } from './pulled-stream'
import { allRead, allSubscription, streamRead, streamSubscription, type Position } from './read-request'
import { acquireClient, type AcquiredClient } from './shared-client'

/** How to reach a ledger. */
export interface ConnectLedgerOptions {
  /** `esdb://host:port?tls=false`, or any other form that EventStoreDB's clients take; `kurrentdb` stands for `esdb`. */
  readonly connectionString: string
  /** How long an append may take before its outcome counts as unknown, in milliseconds. Default 10,000. */
  readonly appendTimeoutMs?: number
  /** Largest append, in bytes of types, metadata and data; a larger one is refused before it is sent. Default 1,048,576. */
  readonly maxAppendBytes?: number
  /** Appends under way at once; more wait, in order. Default 64. */
  readonly maxInFlightAppends?: number
  /** How long the first connection may take, and how long a subscription does without one, in milliseconds. Default 30,000. */
  readonly connectTimeoutMs?: number
  /** Once it aborts, connecting ends with `cancelled`; a connection that stands is left alone. Default: never. */
  readonly signal?: AbortSignal | undefined
}

/** Largest append that goes in one message, in bytes; the client splits a larger one. */
const MAX_MESSAGE_BYTES = 3 * 1024 * 1024

/**
 * Connects to an EventStoreDB, a KurrentDB or the embedded ledger, and reads once to make sure that it answers. Throws
 * `configuration-invalid` where the client cannot read the connection string or a file that it names, `ledger-unavailable`, with the reason in words, and
 * `cancelled` where `signal` aborts before that.
 */
export async function connectLedger(options: ConnectLedgerOptions): Promise<Ledger> {
  const shared = acquire(options.connectionString)
  const timeoutMs = options.connectTimeoutMs ?? 30_000
  try {
    await answers(shared.client, { timeoutMs, signal: options.signal })
  } catch (cause) {
    await shared.release()
    throw connectError(cause, options.connectionString)
  }
  return new ClientLedger(shared, options)
}

function acquire(connectionString: string): AcquiredClient {
  try {
    return acquireClient(connectionString)
  } catch {
    // What was thrown quotes the connection string, and with it a part of the password.
    throw connectionInvalid(connectionString)
  }
}

class ClientLedger implements Ledger {
  private readonly client: EventStoreDBClient
  private readonly batchAppends: BatchAppends
  private readonly release: () => Promise<void>
  private readonly appends: InFlightLimit
  private readonly appendTimeoutMs: number
  private readonly maxAppendBytes: number
  private readonly reconnectTimeoutMs: number

  constructor(shared: AcquiredClient, options: ConnectLedgerOptions) {
    this.client = shared.client
    this.batchAppends = shared.batchAppends
    this.release = shared.release
    this.appends = new InFlightLimit(options.maxInFlightAppends ?? 64)
    this.appendTimeoutMs = options.appendTimeoutMs ?? 10_000
    this.maxAppendBytes = options.maxAppendBytes ?? 1024 * 1024
    this.reconnectTimeoutMs = options.connectTimeoutMs ?? 30_000
  }

  async append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number> {
    const bytes = payloadBytes(entries)
    if (bytes > this.maxAppendBytes) throw tooLarge(stream, { bytes, maxAppendBytes: this.maxAppendBytes })
    try {
      return await this.appends.run(() =>
        withTimeout(this.appendTimeoutMs, async () => {
          if (bytes <= MAX_MESSAGE_BYTES && (await supportsBatchAppend(this.client))) {
            return await this.batchAppends.append(stream, expected, entries)
          }
          const expectedRevision = expected === 'no-stream' ? 'no_stream' : BigInt(expected)
          const result = await this.client.appendToStream(stream, entries.map(eventData), { expectedRevision })
          return Number(result.nextExpectedRevision)
        }),
      )
    } catch (cause) {
      throw appendError(cause, stream)
    }
  }

  async *readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<RecordedEntry, void, undefined> {
    if (options.maxCount !== undefined && options.maxCount <= 0) return
    const reading = new PulledStream(openRead(this.client, streamRead(stream, options)))
    let count = 0
    try {
      for (let next = await reading.next(); next !== undefined; next = await reading.next()) {
        if (next.kind !== 'entry') continue
        count++
        yield next.entry
      }
    } finally {
      await reading.leave({ complete: count === options.maxCount })
    }
    if (reading.failure !== undefined) throw readError(reading.failure, stream)
  }

  async *readAll({ streamPrefixes }: { readonly streamPrefixes: readonly string[] }): AsyncGenerator<RecordedEntry, void, undefined> {
    // The client's plain read of $all takes no filter: a subscription that ends once it has caught up does.
    const abort = new AbortController()
    try {
      for await (const message of this.subscribeToAll({ after: 'start', streamPrefixes, signal: abort.signal })) {
        if (message.kind === 'caught-up') return
        if (message.kind === 'entry') yield message.entry
      }
    } finally {
      abort.abort()
    }
  }

  subscribeToStream(
    stream: string,
    options: { readonly after: number | 'start'; readonly signal: AbortSignal },
  ): AsyncIterable<SubscriptionMessage> {
    let after = options.after
    return follow({
      name: stream,
      open: () => openRead(this.client, streamSubscription(stream, after)),
      passed: (at) => {
        if ('entry' in at) after = at.entry.revision
      },
      signal: options.signal,
      reconnectTimeoutMs: this.reconnectTimeoutMs,
    })
  }

  subscribeToAll(options: {
    readonly after: Position | 'start'
    readonly streamPrefixes: readonly string[]
    readonly signal: AbortSignal
  }): AsyncIterable<SubscriptionMessage> {
    let after = options.after
    return follow({
      name: '$all',
      open: () => openRead(this.client, allSubscription(after, options.streamPrefixes)),
      passed: (at) => {
        after = 'entry' in at ? (at.entry.position ?? after) : at.checkpoint
      },
      signal: options.signal,
      reconnectTimeoutMs: this.reconnectTimeoutMs,
    })
  }

  close(): Promise<void> {
    return this.release()
  }
}

function payloadBytes(entries: readonly ProposedEntry[]): number {
  let bytes = 0
  for (const entry of entries) bytes += entry.data.length + entry.metadata.length + Buffer.byteLength(entry.type)
  return bytes
}

/** The client wants JSON parsed, and takes bytes as such only if they are a plain `Uint8Array`. */
function eventData(entry: ProposedEntry): EventData {
  const metadata = plainBytes(entry.metadata)
  if (entry.contentType === 'binary')
    return { id: entry.id, type: entry.type, contentType: 'application/octet-stream', data: plainBytes(entry.data), metadata }
  const data: unknown = JSON.parse(Buffer.from(entry.data.buffer, entry.data.byteOffset, entry.data.length).toString('utf8'))
  return { id: entry.id, type: entry.type, contentType: 'application/json', data: data as Record<string, unknown>, metadata }
}

function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

async function answers(
  client: EventStoreDBClient,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const startedAtMs = performance.now()
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
    try {
      return await withTimeout(timeoutMs, () => readOnce(client), signal)
    } catch (cause) {
      if (signal?.aborted === true || performance.now() - startedAtMs + pauseMs > timeoutMs) throw cause
      await sleep(pauseMs, undefined, { signal }).catch(() => Promise.reject(stopped()))
    }
  }
}

async function readOnce(client: EventStoreDBClient): Promise<void> {
  const reading = new PulledStream(openRead(client, allRead(1)))
  while ((await reading.next()) !== undefined);
  if (reading.failure !== undefined) throw readError(reading.failure, '$all')
}

/** Rejects after `milliseconds`, and with `cancelled` once `signal` aborts. */
function withTimeout<T>(milliseconds: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) return reject(stopped())
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      end()
      reject(stopped())
    }
    const timer = setTimeout(() => reject(new NoAnswerError(milliseconds)), milliseconds)
    signal?.addEventListener('abort', onAbort)
    task().then(resolve, reject).finally(end)
  })
}

function stopped(): RiskError {
  return new RiskError('cancelled', 'Stopped before the ledger had answered.', { retriable: false })
}
