import type { Logger } from '@riskledger/contracts'
import { withRetry, type WithRetryOptions } from './with-retry'

/** What is tried, how it waits, and who is told. */
export interface LoggedRetryOptions extends Pick<WithRetryOptions, 'name' | 'retry' | 'signal' | 'onRetry'> {
  /** Default: the process's own. */
  readonly timers?: { sleep(delayMs: number, signal?: AbortSignal): Promise<void> } | undefined
  readonly logger: Logger
  /** Logged with each failure. */
  readonly context: Readonly<Record<string, unknown>>
}

/** `withRetry`, with a warning for each failure that is followed by another try. */
export function loggedRetry<T>(
  call: (onProgress: () => void) => Promise<T>,
  { timers, logger, context, onRetry, ...options }: LoggedRetryOptions,
): Promise<T> {
  return withRetry(call, {
    ...options,
    sleep: timers === undefined ? undefined : (delayMs, signal) => timers.sleep(delayMs, signal),
    onRetry: (failure) => {
      const { error, attempt, delayMs } = failure
      onRetry?.(failure)
      logger.warn('trying again', { ...context, code: error.code, attempt, delayMs, reason: error.message })
    },
  })
}
