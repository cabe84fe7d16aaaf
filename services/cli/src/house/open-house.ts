import { join, resolve } from 'node:path'
import { RiskError, type Ledger } from '@riskledger/contracts'
import { assertLogWhole } from '@riskledger/embedded-log'
import { countPartitions, type KafkaConnection, type SchemaRegistryOptions } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { assertLedgerWhole } from '@riskledger/ledger-server'
import {
  checkDataFolder,
  lockDataFolder,
  openDataFolder,
  readDataFolder,
  readLock,
  loadThread,
  threadModule,
  type DataFolder,
  type LoadingThread,
  type LogAddress,
  type Thread,
} from '@riskledger/runtime'
import type { LedgerThreadInput } from '../threads/ledger-thread'
import { countJournals } from './count-journals'
import { unlessStopped } from './unless-stopped'

const LEDGER_THREAD = threadModule(__dirname, { source: '../threads/ledger-thread.ts', bundled: 'ledger-thread' })

/** A ledger's thread that loads and serves nothing yet. */
export type LedgerThread = LoadingThread<{ connectionString: string }, void>

/** Starts to load what serves the embedded ledger of a house. */
export function loadLedgerThread(): LedgerThread {
  return loadThread(LEDGER_THREAD, 'ledger')
}

/** A data folder, and the log and the ledger that belong to it: in the folder, or elsewhere. */
export interface House {
  readonly dataDir: string
  readonly folder: Pick<DataFolder, 'partitions'> & Partial<DataFolder>
  readonly log: LogAddress
  /** True where the ledger was named by its connection string, so that the folder holds a cache at most. */
  readonly isElsewhere: boolean
  readonly connectionString: string
  readonly ledger: Ledger
  /** Rejects if the ledger dies under it; never resolves while the house is open. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** Where a house stands. */
export interface HouseOptions {
  readonly dataDir: string
  /** As the user typed it, for the lock: `riskledger screen`. */
  readonly command: string
  /** Environment prefix of names. */
  readonly environment: string
  readonly partitions?: number | undefined
  /** The cluster that holds the log; null: the log is in the folder. */
  readonly kafka: KafkaConnection | null
  /** Where schemas of records in Confluent's framing are; null or left out: nowhere. */
  readonly schemaRegistry?: SchemaRegistryOptions | null
  /** Connection string of the ledger; null: the ledger is in the folder, and served from here. */
  readonly ledgerUrl: string | null
  /** Port of the embedded ledger; 0: any free one. */
  readonly ledgerPort?: number
  /** What is to serve the embedded ledger, where it loads already; the caller ends it if it never begins. */
  readonly ledgerThread?: LedgerThread | null
  readonly crashAt?: string | undefined
  /** Once it aborts, opening ends with `cancelled`; a house that is open is left alone. Default: never. */
  readonly signal?: AbortSignal
}

/** A house in one folder, with nothing elsewhere. */
export const EMBEDDED = { environment: '', kafka: null, ledgerUrl: null } as const

/**
 * Takes the data folder for this process alone and serves its ledger, or connects to the one named; `data-folder-in-use` where another process has it. A
 * folder that is refused (another format, in use, damaged files) is left as it was, without even a lock.
 */
export async function openHouse(options: HouseOptions): Promise<House> {
  return takeHouse(options, (dataDir) => {
    assertLedgerWhole(join(dataDir, 'ledger'), { readOnly: false })
    assertLogWhole(join(dataDir, 'log'))
  })
}

async function takeHouse(options: HouseOptions, assertWhole: (dataDir: string) => void): Promise<House> {
  const dataDir = resolve(options.dataDir)
  const { signal } = options
  const partitions = options.kafka === null ? options.partitions : await unlessStopped(countPartitions(options.kafka, signal), signal)
  await checkDataFolder(dataDir, { partitions })
  if ((await readLock(dataDir)) === undefined) assertWhole(dataDir)
  const lock = await lockDataFolder(dataDir, { command: options.command })
  let served: ServedLedger | undefined
  const leave = async (): Promise<void> => {
    try {
      await served?.stop()
    } finally {
      await lock.release()
    }
  }
  try {
    const folder = await openDataFolder(dataDir, { partitions })
    served = await serveLedger(dataDir, options)
    await lock.announce(served.connectionString)
    const ledger = await connectLedger({ connectionString: served.connectionString, signal })
    return {
      dataDir,
      folder,
      log: logOf(dataDir, options),
      isElsewhere: options.ledgerUrl !== null,
      connectionString: served.connectionString,
      ledger,
      failed: served.failed,
      close: async () => {
        try {
          await ledger.close()
        } finally {
          await leave()
        }
      },
    }
  } catch (error) {
    // What failed first is what is told, whatever leaving fails with.
    await Promise.allSettled([leave()])
    throw error
  }
}

interface ServedLedger extends Pick<House, 'connectionString' | 'failed'> {
  stop(): Promise<void>
}

/** The ledger of the folder in a thread, or the one named, which is somebody else's to run. */
async function serveLedger(dataDir: string, { ledgerUrl, ledgerThread, ledgerPort, crashAt }: HouseOptions): Promise<ServedLedger> {
  if (ledgerUrl !== null) return { connectionString: ledgerUrl, failed: new Promise<never>(() => undefined), stop: () => Promise.resolve() }
  const input: LedgerThreadInput = { folder: join(dataDir, 'ledger'), port: ledgerPort ?? 0, crashAt }
  const thread = (ledgerThread ?? loadLedgerThread()).begin(input)
  const { connectionString } = await thread.ready
  return { connectionString, failed: failureOf(thread), stop: () => thread.stop() }
}

function logOf(dataDir: string, { kafka, schemaRegistry = null }: HouseOptions): LogAddress {
  if (kafka === null) return { kind: 'embedded', folder: join(dataDir, 'log') }
  return { kind: 'kafka', connection: kafka, ...(schemaRegistry === null ? {} : { registry: schemaRegistry }) }
}

/**
 * A house to read in: the ledger that is named; else, where a process has the folder, through its ledger; else as if to write, so that nobody starts under
 * the reader. Throws `file-not-found` where there is neither a data folder nor a name.
 */
export async function openHouseToRead(options: HouseOptions): Promise<House> {
  const dataDir = resolve(options.dataDir)
  if (options.ledgerUrl !== null) return readThrough(dataDir, options.ledgerUrl, options)
  const folder = await readDataFolder(dataDir)
  const owner = await readLock(dataDir)
  // Reading needs the ledger alone.
  if (owner === undefined) return takeHouse(options, () => assertLedgerWhole(join(dataDir, 'ledger'), { readOnly: false }))
  if (owner.connectionString === null) {
    throw new RiskError(
      'data-folder-in-use',
      `${options.dataDir} is being opened by process ${owner.pid} (${owner.command}). Try again in a moment.`,
      {
        retriable: true,
      },
    )
  }
  return readThrough(dataDir, owner.connectionString, { ...options, folder })
}

/** A house whose ledger somebody else serves; how many partitions it has is asked of the ledger where no folder tells. */
async function readThrough(
  dataDir: string,
  connectionString: string,
  { folder, ...options }: HouseOptions & { readonly folder?: DataFolder },
): Promise<House> {
  const ledger = await connectLedger({ connectionString })
  try {
    return {
      dataDir,
      folder: folder ?? { partitions: await countJournals(ledger, options.environment) },
      log: logOf(dataDir, options),
      isElsewhere: options.ledgerUrl !== null,
      connectionString,
      ledger,
      failed: new Promise<never>(() => undefined),
      close: () => ledger.close(),
    }
  } catch (error) {
    await ledger.close()
    throw error
  }
}

function failureOf(thread: Thread<unknown, unknown>): Promise<never> {
  const failed = thread.done.then(() => new Promise<never>(() => undefined))
  // Whoever races against it sees the rejection; nobody needs to.
  failed.catch(() => undefined)
  return failed
}
