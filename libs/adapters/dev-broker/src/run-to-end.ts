import { spawn } from 'node:child_process'
import { RiskError } from '@riskledger/contracts'

/** So much of what a program printed is kept to tell why it failed: its end. */
const KEPT_CHARACTERS = 2_000

/** How a program is run to its end. */
export interface RunToEndOptions {
  readonly args: readonly string[]
  /** Longest time that it may take; then it is ended. */
  readonly timeoutMs: number
  /** Ends it early. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
  /** What failed, as the beginning of a sentence: "The jars of Kafka could not be fetched". */
  readonly failure: string
}

/** Runs a program to its end, and throws `log-unavailable` with the end of what it printed where it fails, takes too long or is ended by the signal. */
export function runToEnd(program: string, { args, timeoutMs, signal, failure }: RunToEndOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' })
    // Its own option `signal` would reject before the program is gone, while that still writes.
    const stop = (): void => void child.kill('SIGKILL')
    signal?.addEventListener('abort', stop)
    if (signal?.aborted === true) stop()
    let printed = ''
    const keep = (chunk: Buffer): void => {
      printed = (printed + chunk.toString('utf8')).slice(-KEPT_CHARACTERS)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const fail = (why: string, cause?: unknown): void =>
      reject(new RiskError('log-unavailable', `${failure}: ${program} ${why}.\n${printed.trim()}`.trim(), { retriable: true, cause }))
    child.on('error', (error) => fail(`could not be run (${error.message})`, error))
    child.on('close', (code, endedBy) => {
      signal?.removeEventListener('abort', stop)
      if (code === 0) return resolve()
      if (signal?.aborted === true) return fail('was stopped')
      fail(endedBy === 'SIGKILL' ? `was ended, at the latest after ${timeoutMs / 1_000} s` : `ended with ${code ?? endedBy}`)
    })
  })
}
