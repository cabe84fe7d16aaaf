import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { aborted, stopOnSignals, type Thread } from '@riskledger/runtime'
import { houseOf, type CommandContext } from '../commands/command-context'
import { EXIT } from '../exit-codes'
import { openHouse, type House } from './open-house'

/** A service that runs alone, beside others on the same cluster and ledger. */
export interface ServiceOptions {
  readonly context: CommandContext
  /** `screener`: names the command, and the folder of its cache inside of the data folder. */
  readonly name: string
  /** Whether it reads or writes raw topics, so that a cluster must be named. */
  readonly needsKafka: boolean
  /** Starts the service; what it gives rejects `failed` when the service breaks, and drains on `stop`. */
  readonly start: (house: House, signal: AbortSignal) => Promise<RunningService>
}

/** A service that was started. */
export interface RunningService {
  /** One line that says what it does, for the screen. */
  readonly says: string
  /** More of it with --json. */
  readonly tells?: Readonly<Record<string, string>>
  readonly failed: Promise<never>
  stop(): Promise<unknown>
}

/**
 * Runs one service until SIGINT or SIGTERM, then drains it, and returns the exit code. Rejects with the error that ended it. Cluster and ledger are other
 * processes: both must be named. The folder holds a cache that may be deleted, and is this process's alone while it runs.
 */
export async function runService({ context, name, needsKafka, start }: ServiceOptions): Promise<number> {
  assertNamed(context, { name, needsKafka })
  const stopping = stopOnSignals()
  const house = await openHouse({ ...houseOf(context, `riskledger ${name}`), dataDir: join(context.settings.dataDir, name) })
  try {
    const service = await start(house, stopping.signal)
    try {
      if (context.json)
        context.printJson({ service: name, ...service.tells, ledger: house.connectionString, dataDir: house.dataDir, pid: process.pid })
      else context.print(`${service.says}   Ctrl-C stops.`)
      await Promise.race([service.failed, house.failed, aborted(stopping.signal)])
      return EXIT.done
    } finally {
      await service.stop()
    }
  } finally {
    stopping.dispose()
    await house.close()
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
