import { RiskError, type Logger, type Metrics } from '@riskledger/contracts'
import { setImmediate } from 'node:timers/promises'
import { loggedRetry } from './logged-retry'
import { sleepInProcess, type RetryOptions } from './with-retry'

/** What a consumer does, in three parts; only the loop calls them, one at a time but for `prefetch`. */
export interface LoopOptions<Batch, Output> {
  /** Name in logs and in the label `loop`. */
  readonly name: string
  /**
   * The next batch, or undefined at the end. Called again after a retriable error, so it may take nothing before it succeeds.
   * A batch that was pulled but not stepped when the loop stops is dropped: the journal, not the pull, is the position.
   * A pull that waits for input for long says `onAsk` whenever it asks its source: a failure counts from the last time, and what was asked before that was answered.
   * One that is told of input by its source says `onAnswer` whenever it hears of it: what failed before is over, and a failure counts from when it is seen.
   */
  readonly pull: (signal: AbortSignal, onAsk: () => void, onAnswer: () => void) => Promise<Batch | undefined>
  /** Decodes and decides; may change state, so it runs exactly once a batch and is never retried. */
  readonly step: (batch: Batch) => Output | Promise<Output>
  /** Appends what the step made; called again with the same output after a retriable error. */
  readonly commit: (output: Output) => Promise<void>
  /** Stops the loop like `stop()`. */
  readonly signal?: AbortSignal
  readonly logger: Logger
  readonly metrics: Metrics
  /**
   * Asked once a batch has been stepped: true where the next one is pulled and stepped while this one's commit is on its way, which keeps the thread busy; false where
   * it is pulled after that, with whatever came meanwhile. Default: never. Commits stay in order, one at a time, so at most one stepped batch waits behind the one
   * being committed.
   */
  readonly prefetch?: (batch: Batch) => boolean
  /** Time between a commit behind which nothing was prefetched and the next pull, in ms, so that small batches do not follow each other as fast as they can. Default 0. */
  readonly gatherMs?: number
  readonly retry?: RetryOptions
  /** Default: the process's own. */
  readonly timers?: LoopTimers | undefined
  /** Clock of `Loop.retrying`, in ms. Default: `performance.now`. */
  readonly nowMs?: () => number
}

/** How a loop lets time pass. A simulation gives it a time of its own. */
export interface LoopTimers {
  /** Resolves after `delayMs`; rejects with an `AbortError` once `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Resolves at the next turn of the event loop. */
  nextTurn(): Promise<void>
}

/** The process's own. */
export const PROCESS_TIMERS: LoopTimers = {
  sleep: sleepInProcess,
  nextTurn: () => setImmediate(),
}

/** A call that has failed and is being tried again. */
export interface LoopRetry {
  readonly part: 'pull' | 'commit'
  /**
   * When the first call of those that failed in a row began, by the loop's clock: it may have taken long to fail. Of a pull, which may have waited for input, when it
   * last asked; where it does not say, its first failure.
   */
  readonly sinceMs: number
  /** What it failed with last, in words. */
  readonly reason: string
}

/** A loop that runs. */
export interface Loop {
  /** What it has been trying again for longest; null while all goes well. */
  readonly retrying: LoopRetry | null
  /** Resolves once the loop has ended and everything stepped is committed; rejects with what ended it. */
  readonly done: Promise<void>
  /** Stops pulling, commits what was stepped, and resolves or rejects as `done` does. */
  stop(): Promise<void>
}

/**
 * Runs one consumer: pull, step, commit, again, until there is nothing left, it is stopped, or something breaks.
 * Retriable `RiskError`s of `pull` and `commit` are tried again with capped backoff, logged, and counted in
 * `riskledger_loop_retries_total{loop,part,code}`; past `maxAttempts` the loop ends with `limit-reached`. Any other error ends it at once.
 * After a stop a failing pull is not tried again; a failing commit is, so that a drain survives a short outage.
 */
export function startLoop<Batch, Output>(options: LoopOptions<Batch, Output>): Loop {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  options.signal?.addEventListener('abort', stop, { once: true })
  if (options.signal?.aborted) stop()
  const retries: Retries = new Map()
  const done = runLoop({ ...options, retries }, stopping.signal).finally(() => {
    stopping.abort()
    options.signal?.removeEventListener('abort', stop)
  })
  // Whoever awaits `done` or `stop()` sees the rejection; a loop that is merely held must not crash the process before that.
  done.catch(() => undefined)
  return {
    get retrying() {
      return [...retries.values()].reduce<LoopRetry | null>(
        (longest, one) => (longest === null || one.sinceMs < longest.sinceMs ? one : longest),
        null,
      )
    },
    done,
    stop: () => {
      stop()
      return done
    },
  }
}

type Retries = Map<LoopRetry['part'], LoopRetry>

interface RunningLoop<Batch, Output> extends LoopOptions<Batch, Output> {
  readonly retries: Retries
}

/** Turns of the event loop that a request takes through stream, session and socket. */
const TURNS = 3

async function runLoop<Batch, Output>(options: RunningLoop<Batch, Output>, signal: AbortSignal): Promise<void> {
  const { name, step, commit, metrics, logger, prefetch = () => false, gatherMs = 0, timers = PROCESS_TIMERS } = options
  let ahead: Promise<Batch | undefined> | undefined
  let committing: Promise<void> = Promise.resolve()
  try {
    while (!signal.aborted) {
      // A commit that breaks ends the loop at once, also while it waits for the next batch.
      const batch = await Promise.race([ahead ?? pullNext(options, signal), committing.then(never)])
      ahead = undefined
      if (batch === undefined || signal.aborted) break
      const output = await step(batch)
      const overlaps = prefetch(batch)
      if (overlaps) {
        ahead = pullNext(options, signal)
        ahead.catch(() => undefined) // awaited at the next turn, or at the end
      }
      await committing
      const append = (onAsk: () => void): Promise<void> => {
        onAsk()
        return commit(output)
      }
      committing = tried(append, { options, part: 'commit' }).then(() => {
        options.retries.delete('commit')
        metrics.count('riskledger_loop_batches_total', 1, { loop: name })
      })
      committing.catch(() => undefined) // awaited before the next commit, or at the end
      if (overlaps) {
        // The next step may keep this thread for long: first let the commit's bytes leave, and what has arrived come in.
        for (let turn = 0; turn < TURNS; turn++) await timers.nextTurn()
      } else {
        await committing
        // A stop ends the wait, too.
        if (gatherMs > 0) await timers.sleep(gatherMs, signal).catch(() => undefined)
      }
    }
    await committing
  } catch (error) {
    // What was stepped before the failure is still committed, as far as it can be; the first error is the one that counts.
    await committing.catch(() => undefined)
    logger.error('loop ended by an error', { loop: name, error })
    throw error
  }
}

async function pullNext<Batch, Output>(options: RunningLoop<Batch, Output>, signal: AbortSignal): Promise<Batch | undefined> {
  try {
    const batch = await tried((onAsk, onAnswer) => options.pull(signal, onAsk, onAnswer), { options, part: 'pull', signal })
    options.retries.delete('pull')
    return batch
  } catch (error) {
    if (signal.aborted && isCancellation(error)) return undefined
    throw error
  }
}

function isCancellation(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof RiskError && (error.retriable || error.code === 'cancelled')))
  )
}

interface RetryContext {
  readonly options: Pick<RunningLoop<never, never>, 'name' | 'retry' | 'logger' | 'metrics' | 'timers' | 'nowMs' | 'retries'>
  readonly part: LoopRetry['part']
  /** Where given, its abort ends the trying. */
  readonly signal?: AbortSignal
}

function tried<T>(call: (onAsk: () => void, onAnswer: () => void) => Promise<T>, { options, part, signal }: RetryContext): Promise<T> {
  const { name: loop, retry, logger, metrics, timers, retries, nowMs = () => performance.now() } = options
  let askedMs: number | null = null
  const attempt = (onProgress: () => void): Promise<T> => {
    askedMs = null
    const onAnswer = (): void => {
      askedMs = null
      retries.delete(part)
      onProgress()
    }
    const onAsk = (): void => {
      // Whoever asks again was answered.
      if (askedMs !== null) onAnswer()
      askedMs = nowMs()
    }
    return call(onAsk, onAnswer)
  }
  return loggedRetry(attempt, {
    name: `${loop}: ${part}`,
    retry,
    signal,
    timers,
    logger,
    context: { loop, part },
    onRetry: ({ error }) => {
      metrics.count('riskledger_loop_retries_total', 1, { loop, part, code: error.code })
      retries.set(part, { part, sinceMs: retries.get(part)?.sinceMs ?? askedMs ?? nowMs(), reason: error.message })
    },
  })
}

/** A new promise each time: one kept for all would hold on to whoever ever waited beside it. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined)
}
