import { join, resolve } from 'node:path'
import { RiskError, type Ledger } from '@riskledger/contracts'
import { assertLogWhole } from '@riskledger/embedded-log'
import { connectLedger } from '@riskledger/ledger'
import { assertLedgerWhole } from '@riskledger/ledger-server'
import {
  checkDataFolder,
  lockDataFolder,
  openDataFolder,
  readDataFolder,
  readLock,
  startThread,
  threadModule,
  type DataFolder,
  type Thread,
} from '@riskledger/runtime'
import type { LedgerThreadInput } from '../threads/ledger-thread'

const LEDGER_THREAD = threadModule(__dirname, { source: '../threads/ledger-thread.ts', bundled: 'ledger-thread' })

/** A data folder and the ledger that serves it. */
export interface House {
  readonly dataDir: string
  readonly folder: DataFolder
  readonly connectionString: string
  readonly ledger: Ledger
  /** Rejects if the ledger dies under it; never resolves while the house is open. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** How a house is opened. */
export interface HouseOptions {
  readonly dataDir: string
  /** As the user typed it, for the lock: `riskledger screen`. */
  readonly command: string
  readonly partitions?: number | undefined
  /** Port of the embedded ledger; 0: any free one. */
  readonly ledgerPort?: number
  readonly crashAt?: string | undefined
}

/**
 * Takes the data folder for this process alone and serves its ledger; `data-folder-in-use` where another process has it. A folder that is refused
 * (another format, in use, damaged files) is left as it was, without even a lock.
 */
export async function openHouse(options: HouseOptions): Promise<House> {
  return takeHouse(options, (dataDir) => {
    assertLedgerWhole(join(dataDir, 'ledger'), { readOnly: false })
    assertLogWhole(join(dataDir, 'log'))
  })
}

async function takeHouse(options: HouseOptions, assertWhole: (dataDir: string) => void): Promise<House> {
  const dataDir = resolve(options.dataDir)
  await checkDataFolder(dataDir, { partitions: options.partitions })
  if ((await readLock(dataDir)) === undefined) assertWhole(dataDir)
  const lock = await lockDataFolder(dataDir, { command: options.command })
  try {
    const folder = await openDataFolder(dataDir, { partitions: options.partitions })
    const input: LedgerThreadInput = { folder: join(dataDir, 'ledger'), port: options.ledgerPort ?? 0, crashAt: options.crashAt }
    const thread: Thread<{ connectionString: string }> = startThread(LEDGER_THREAD, { name: 'ledger', input })
    const { connectionString } = await thread.ready
    await lock.announce(connectionString)
    const ledger = await connectLedger({ connectionString })
    return {
      dataDir,
      folder,
      connectionString,
      ledger,
      failed: failureOf(thread),
      close: async () => {
        await ledger.close()
        await thread.stop()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * A house to read in: where a process has the folder, through its ledger; else as if to write, so that nobody starts under the reader.
 * Throws `file-not-found` where there is no data folder.
 */
export async function openHouseToRead(options: HouseOptions): Promise<House> {
  const dataDir = resolve(options.dataDir)
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
  const ledger = await connectLedger({ connectionString: owner.connectionString })
  return {
    dataDir,
    folder,
    connectionString: owner.connectionString,
    ledger,
    failed: new Promise<never>(() => undefined),
    close: () => ledger.close(),
  }
}

function failureOf(thread: Thread): Promise<never> {
  const failed = thread.done.then(() => new Promise<never>(() => undefined))
  // Whoever races against it sees the rejection; nobody needs to.
  failed.catch(() => undefined)
  return failed
}
