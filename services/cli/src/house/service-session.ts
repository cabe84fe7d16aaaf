import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RiskError } from '@riskledger/contracts'
import { aborted, stopOnSignals, withoutUserInfo, type Thread } from '@riskledger/runtime'
import { houseOf, type CommandContext } from '../commands/command-context'
import { EXIT } from '../exit-codes'
import { openHouse, type House } from './open-house'
import { unlessStopped } from './unless-stopped'

/** Time for what is being started to end, once it has been told to stop. */
const STOP_STARTING_MS = 5_000
/** Time for what that left behind to end by itself. */
const LEAVE_MS = 1_000

/** A service that runs alone, beside others on the same cluster and ledger. */
export interface ServiceOptions {
  readonly context: CommandContext
  /** `screener`: names the command, and the folder of its cache inside of the data folder. */
  readonly name: string
  /** Whether it reads or writes raw topics, so that a cluster must be named. */
  readonly needsKafka: boolean
  /**
   * Starts the service; what it gives rejects `failed` when the service breaks, and drains on `stop`. Once `signal` aborts, nobody waits for it longer than
   * five seconds.
   */
  readonly start: (house: House, signal: AbortSignal) => Promise<RunningService>
}

/** A service that was started. */
export interface RunningService {
  /** One line that says what it does, for the screen; user info of URLs in it is not shown. */
  readonly says: string
  /** More of it with --json. */
  readonly tells?: Readonly<Record<string, string>>
  readonly failed: Promise<never>
  stop(): Promise<unknown>
}

/**
 * Runs one service until SIGINT or SIGTERM, then drains it, and returns the exit code. Rejects with the error that ended it, and with `cancelled` where a
 * signal came before it had come up. Cluster and ledger are other processes: both must be named. The folder holds a cache that may be deleted, and is this
 * process's alone while it runs.
 */
export async function runService({ context, name, needsKafka, start }: ServiceOptions): Promise<number> {
  assertNamed(context, { name, needsKafka })
  const stopping = stopOnSignals()
  const { signal } = stopping
  let cameUp = false
  try {
    const house = await openHouse({ ...houseOf(context, `riskledger ${name}`), dataDir: join(context.settings.dataDir, name), signal })
    try {
      const service = await startedUnlessStopped(start(house, signal), signal)
      cameUp = true
      try {
        const ledger = withoutUserInfo(house.connectionString)
        if (context.json) context.printJson({ service: name, ...service.tells, ledger, dataDir: house.dataDir, pid: process.pid })
        else context.print(`${withoutUserInfo(service.says)}   Ctrl-C stops.`)
        await Promise.race([service.failed, house.failed, aborted(signal)])
        return EXIT.done
      } finally {
        await service.stop()
      }
    } finally {
      await house.close()
    }
  } finally {
    if (signal.aborted && !cameUp) leaveSoon()
    stopping.dispose()
  }
}

/** What is started; where `signal` aborts before that, it is stopped if it comes up in time, and `cancelled` is thrown. */
async function startedUnlessStopped(starting: Promise<RunningService>, signal: AbortSignal): Promise<RunningService> {
  try {
    return await unlessStopped(starting, signal)
  } catch (error) {
    if (signal.aborted)
      await settledWithin(
        starting.then((late) => late.stop()),
        STOP_STARTING_MS,
      )
    throw error
  }
}

async function settledWithin(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const settled = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: settled.signal })
  await Promise.race([Promise.allSettled([work]), late])
  settled.abort()
}

/** Ends the process where a connection that is being made, or a thread that is being loaded, would keep it: neither holds anything that a kill loses. */
function leaveSoon(): void {
  setTimeout(() => process.exit(EXIT.interrupted), LEAVE_MS).unref()
}

/** Resolves once a thread serves. Where `signal` aborts before that, the thread is stopped, and `cancelled` is thrown. */
export async function threadReady<Ready>(thread: Thread<Ready>, signal: AbortSignal): Promise<Ready> {
  try {
    return await unlessStopped(thread.ready, signal)
  } catch (error) {
    if (signal.aborted) await Promise.allSettled([thread.stop()])
    throw error
  }
}

/** A thread as a service: it fails when it ends without having been asked to. */
export function threadService(
  thread: Thread<unknown, unknown>,
  { name, ...told }: { readonly name: string } & Pick<RunningService, 'says' | 'tells'>,
): RunningService {
  const failed = thread.done.then((): never => {
    throw new RiskError('cancelled', `the ${name} ended by itself.`, { retriable: false })
  })
  failed.catch(() => undefined)
  return { ...told, failed, stop: () => thread.stop() }
}

function assertNamed({ settings }: CommandContext, { name, needsKafka }: Pick<ServiceOptions, 'name' | 'needsKafka'>): void {
  const missing = [
    ...(needsKafka && settings.kafka === undefined ? ['--kafka'] : []),
    ...(settings.ledger === undefined ? ['--ledger'] : []),
  ]
  if (missing.length === 0) return
  throw new RiskError(
    'configuration-invalid',
    `riskledger ${name} runs alone, beside other services: name ${missing.join(' and ')} (or run everything in one process with riskledger up).`,
    { retriable: false },
  )
}
