import { setTimeout } from 'node:timers/promises'
import { RiskError } from '@riskledger/contracts'

/** How often and how fast a retriable failure is tried again: doubling from `initialMs` to `capMs`. */
export interface RetryOptions {
  /** Default 50 ms. */
  readonly initialMs?: number
  /** Default 5,000 ms. */
  readonly capMs?: number
  /** Failures of one call in a row; default 100, about eight minutes. */
  readonly maxAttempts?: number
}

/** What is tried, and how it waits. */
export interface WithRetryOptions {
  /** Names the call in the error past `maxAttempts`. */
  readonly name: string
  readonly retry?: RetryOptions | undefined
  /** Resolves after `delayMs`; rejects with an `AbortError` once `signal` aborts. Default: the process's own. */
  readonly sleep?: ((delayMs: number, signal?: AbortSignal) => Promise<void>) | undefined
  /** Once it aborts nothing is tried again. */
  readonly signal?: AbortSignal | undefined
  /** Hears of each failure that is followed by another try. */
  readonly onRetry?: (failure: { readonly error: RiskError; readonly attempt: number; readonly delayMs: number }) => void
}

/**
 * Calls until it succeeds. Retriable `RiskError`s are followed by another try with capped backoff; past `maxAttempts` it throws `limit-reached`. Any other error
 * is thrown at once, and after an abort the last one. A call that lasts, such as one that follows a stream, says `onProgress` whenever it got somewhere: the next
 * failure is the first of a new row then.
 */
export async function withRetry<T>(call: (onProgress: () => void) => Promise<T>, options: WithRetryOptions): Promise<T> {
  const { name, signal, sleep = sleepInProcess, onRetry } = options
  const { initialMs = 50, capMs = 5_000, maxAttempts = 100 } = options.retry ?? {}
  let failures = 0
  for (;;) {
    try {
      return await call(() => (failures = 0))
    } catch (error) {
      if (!(error instanceof RiskError) || !error.retriable || signal?.aborted) throw error
      failures++
      if (failures >= maxAttempts) {
        throw new RiskError('limit-reached', `${name} failed ${failures} times in a row, last with: ${error.message}`, {
          retriable: false,
          cause: error,
          context: { name, attempts: failures, code: error.code },
        })
      }
      const delayMs = Math.min(capMs, initialMs * 2 ** Math.min(failures - 1, 30))
      onRetry?.({ error, attempt: failures, delayMs })
      await sleep(delayMs, signal).catch((interruption: Error) => {
        throw interruption.name === 'AbortError' ? error : interruption
      })
    }
  }
}

/** Resolves after `delayMs`; rejects with an `AbortError` once `signal` aborts. */
export function sleepInProcess(delayMs: number, signal?: AbortSignal): Promise<void> {
  return setTimeout(delayMs, undefined, signal === undefined ? {} : { signal })
}
