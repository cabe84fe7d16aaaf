import type { RecordedEntry, SubscriptionMessage } from '@riskledger/contracts'
import { isConnectionLoss, readError } from './ledger-errors'
import { PulledStream, type ReadCall } from './pulled-stream'
import type { Position } from './read-request'

/** How to follow; `open` starts a subscription after what `passed` was last told. */
export interface FollowOptions {
  readonly name: string
  readonly open: () => Promise<ReadCall>
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
    const { stream, detach } = openSession(options)
    try {
      for (let next = await stream.next(); next !== undefined; next = await stream.next()) {
        lostAtMs = undefined
        pauseMs = FIRST_PAUSE_MS
        if (next.kind === 'checkpoint') options.passed({ checkpoint: next.position })
        else if (next.kind === 'entry') options.passed({ entry: next.entry })
        if (next.kind === 'entry' || next.kind === 'checkpoint' || next.kind === 'caught-up') yield next
      }
    } finally {
      detach()
      await stream.leave()
    }
    if (options.signal.aborted) return
    const now = performance.now()
    lostAtMs ??= now
    const { failure } = stream
    if ((failure !== undefined && !isConnectionLoss(failure)) || now - lostAtMs >= options.reconnectTimeoutMs)
      throw readError(failure, options.name)
    await pause(pauseMs, options.signal)
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }
}

function openSession(options: FollowOptions): { stream: PulledStream; detach: () => void } {
  const stream = new PulledStream(options.open())
  const onAbort = (): void => stream.interrupt()
  options.signal.addEventListener('abort', onAbort)
  return { stream, detach: () => options.signal.removeEventListener('abort', onAbort) }
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
