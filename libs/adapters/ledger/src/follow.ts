import type { RecordedEvent, ResolvedEvent } from '@eventstore/db-client'
import type { RecordedEntry, SubscriptionMessage } from '@riskledger/contracts'
import { isConnectionLoss, readError } from './ledger-errors'
import { recordedEntry } from './recorded-entry'

/** The client's subscription, as far as it is used here: a readable of resolved events with events of its own. */
export interface ClientSubscription {
  read(): ResolvedEvent | null
  readonly readableLength: number
  on(event: string, listener: (cause?: unknown) => void): unknown
  unsubscribe(): Promise<void>
}

/** The place in a stream or in `$all` after which a subscription goes on. */
export type Position = { readonly commit: bigint; readonly prepare: bigint }

/** How to follow; `open` starts a subscription after what `passed` was last told. */
export interface FollowOptions {
  readonly name: string
  readonly open: (onCheckpoint: (position: Position) => void) => ClientSubscription
  readonly passed: (at: { readonly entry: RecordedEntry } | { readonly checkpoint: Position }) => void
  readonly signal: AbortSignal
  /** Longest time without a connection, in milliseconds; then `ledger-unavailable`. */
  readonly reconnectTimeoutMs: number
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

/**
 * Follows a subscription, and opens it again after the last thing delivered when the connection drops: each entry once, in order.
 * Pulled by the consumer: what it does not take stays in the client's buffer, and, through gRPC's flow control, in the ledger.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<SubscriptionMessage, void, undefined> {
  let lostAtMs: number | undefined
  let pauseMs = FIRST_PAUSE_MS
  while (!options.signal.aborted) {
    const session = new Session(options)
    try {
      for (;;) {
        const message = await session.next()
        if (message === undefined) break
        lostAtMs = undefined
        pauseMs = FIRST_PAUSE_MS
        if (message.kind === 'entry') options.passed({ entry: message.entry })
        else if (message.kind === 'checkpoint') options.passed({ checkpoint: message.position })
        yield message
      }
    } finally {
      await session.close()
    }
    if (options.signal.aborted) return
    const now = performance.now()
    lostAtMs ??= now
    const { failure } = session
    if ((failure !== undefined && !isConnectionLoss(failure)) || now - lostAtMs >= options.reconnectTimeoutMs) throw readError(failure, options.name)
    await pause(pauseMs, options.signal)
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }
}

/** One connection's worth of a subscription. */
class Session {
  failure: unknown
  private readonly subscription: ClientSubscription
  private readonly markers: { readonly afterEntries: number; readonly message: SubscriptionMessage }[] = []
  private taken = 0
  private ended = false
  private wake: () => void = () => undefined

  constructor(private readonly options: FollowOptions) {
    this.subscription = options.open((position) => this.mark({ kind: 'checkpoint', position }))
    this.subscription.on('caughtUp', () => this.mark({ kind: 'caught-up' }))
    this.subscription.on('readable', () => this.wake())
    this.subscription.on('error', (cause) => this.end(cause))
    this.subscription.on('end', () => this.end(undefined))
    this.subscription.on('close', () => this.end(undefined))
    options.signal.addEventListener('abort', this.onAbort)
  }

  async next(): Promise<SubscriptionMessage | undefined> {
    for (;;) {
      if (this.options.signal.aborted) return undefined
      const marker = this.markers[0]
      if (marker !== undefined && marker.afterEntries <= this.taken) {
        this.markers.shift()
        return marker.message
      }
      const resolved = this.subscription.read()
      if (resolved !== null) {
        this.taken++
        // A link whose target was deleted resolves to nothing; nothing of ours writes links.
        if (resolved.event === undefined) continue
        return { kind: 'entry', entry: recordedEntry(resolved.event as RecordedEvent) }
      }
      if (this.ended) return undefined
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }

  async close(): Promise<void> {
    this.options.signal.removeEventListener('abort', this.onAbort)
    // A call that failed to start has nothing to end; its failure is already kept.
    if (!this.ended) await this.subscription.unsubscribe().catch((cause: unknown) => this.end(cause))
  }

  private readonly onAbort = (): void => this.wake()

  private end(cause: unknown): void {
    this.ended = true
    this.failure ??= cause
    this.wake()
  }

  /** The client tells of these apart from its entries; they belong behind the entries that it has buffered so far. */
  private mark(message: SubscriptionMessage): void {
    this.markers.push({ afterEntries: this.taken + this.subscription.readableLength, message })
    this.wake()
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
