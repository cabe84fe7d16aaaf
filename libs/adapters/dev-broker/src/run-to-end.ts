import { spawn } from 'node:child_process'
import { RiskError } from '@riskledger/contracts'

/** So much of what a program printed is kept to tell why it failed: its end. */
const KEPT_CHARACTERS = 2_000

/** How a program is run to its end. */
export interface RunToEndOptions {
  readonly args: readonly string[]
  /** Longest time that it may take; then it is ended. */
  readonly timeoutMs: number
  /** What failed, as the beginning of a sentence: "The jars of Kafka could not be fetched". */
  readonly failure: string
}

/** Runs a program to its end, and throws `log-unavailable` with the end of what it printed where it fails or takes too long. */
export function runToEnd(program: string, { args, timeoutMs, failure }: RunToEndOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' })
    let printed = ''
    const keep = (chunk: Buffer): void => {
      printed = (printed + chunk.toString('utf8')).slice(-KEPT_CHARACTERS)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const fail = (why: string, cause?: unknown): void =>
      reject(new RiskError('log-unavailable', `${failure}: ${program} ${why}.\n${printed.trim()}`.trim(), { retriable: true, cause }))
    child.on('error', (error) => fail(`could not be run (${error.message})`, error))
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      fail(signal === 'SIGKILL' ? `was ended, at the latest after ${timeoutMs / 1_000} s` : `ended with ${code ?? signal}`)
    })
  })
}
