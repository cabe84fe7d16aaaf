import { statfs } from 'node:fs/promises'
import { open } from 'lmdb'
import { RiskError } from '@riskledger/contracts'
import { assertLogWhole } from './assert-log-whole'
import type { LogStore, LogTransaction } from './log-store'

type Database = import('lmdb').RootDatabase<Uint8Array, Uint8Array>

/** Below this much free space a failed write is put down to the disk being full: LMDB reports a short write as a bare I/O error. */
const LITTLE_FREE_BYTES = 64 * 2 ** 20

/**
 * LMDB under the log. `overlappingSync` is off, so that a commit becomes visible to readers only after its data is flushed: a reader must
 * never act on a record that a power failure can take back. The commit runs on a background thread.
 */
export function openLmdbLogStore(options: {
  readonly folder: string
  readonly readOnly: boolean
  readonly mapSizeBytes: number
}): LogStore {
  const { folder, readOnly, mapSizeBytes } = options
  assertLogWhole(folder)
  let database: Database
  try {
    database = open<Uint8Array, Uint8Array>({
      path: folder,
      noSubdir: false,
      readOnly,
      mapSize: mapSizeBytes,
      overlappingSync: false,
      noMemInit: true,
      // Otherwise LMDB's binding adds a promise of its own to every transaction, which nobody can catch when a commit fails.
      eventTurnBatching: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
    })
  } catch (cause) {
    throw new RiskError(
      'log-unavailable',
      `The log in ${folder} cannot be opened: ${messageOf(cause)}. Check that the folder can be read and written.`,
      {
        retriable: false,
        cause,
        context: { folder },
      },
    )
  }
  return new LmdbLogStore(database, folder)
}

class LmdbLogStore implements LogStore {
  private readonly transaction: LogTransaction

  constructor(
    private readonly database: Database,
    private readonly folder: string,
  ) {
    this.transaction = {
      get: (key) => this.get(key),
      put: (key, value) => void database.put(key, value),
      remove: (key) => void database.remove(key),
      keys: (from, to, limit) => this.keys(from, to, limit),
    }
  }

  refresh(): void {
    this.database.resetReadTxn()
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.database.getBinary(key)
    } catch (cause) {
      throw this.readFailure(cause)
    }
  }

  floorKey(key: Uint8Array): Uint8Array | undefined {
    try {
      for (const found of this.database.getKeys({ start: key, reverse: true, limit: 1 })) return found
      return undefined
    } catch (cause) {
      throw this.readFailure(cause)
    }
  }

  keys(from: Uint8Array, to: Uint8Array, limit: number): readonly Uint8Array[] {
    try {
      return [...this.database.getKeys({ start: from, end: to, limit })]
    } catch (cause) {
      throw this.readFailure(cause)
    }
  }

  initialise(key: Uint8Array, value: Uint8Array): void {
    try {
      this.database.transactionSync(() => void this.database.put(key, value))
    } catch (cause) {
      throw this.failure(cause, 'cannot be written')
    }
  }

  async write(change: (transaction: LogTransaction) => void, onHandedOver: () => void): Promise<void> {
    try {
      // A child transaction, because LMDB's own can be undone only as one: without it a throw half-way would be committed.
      await this.database.childTransaction(() => {
        change(this.transaction)
        onHandedOver()
      })
    } catch (cause) {
      throw await this.writeFailure(await reasonOf(cause))
    }
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  private readFailure(cause: unknown): RiskError {
    return new RiskError('log-corrupt', `The log in ${this.folder} cannot be read: ${messageOf(cause)}. Restore it from a backup.`, {
      retriable: false,
      cause,
      context: { folder: this.folder },
    })
  }

  private async writeFailure(cause: unknown): Promise<unknown> {
    const { folder } = this
    if (cause instanceof RiskError) return cause
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize > LITTLE_FREE_BYTES) return this.failure(cause, 'cannot be written')
    const message = `The disk that holds the log in ${folder} is full. Nothing of this append was kept; free some space and start again.`
    return new RiskError('disk-full', message, { retriable: false, cause, context: { folder, freeBytes: bavail * bsize } })
  }

  private failure(cause: unknown, what: string): RiskError {
    const message = `The log in ${this.folder} ${what}: ${messageOf(cause)}. Nothing of this append was kept; check the disk.`
    return new RiskError('log-unavailable', message, { retriable: false, cause, context: { folder: this.folder } })
  }
}

/** A failed commit hides its reason in a promise of its own. */
async function reasonOf(error: unknown): Promise<unknown> {
  const nested = (error as { readonly commitError?: Promise<unknown> }).commitError
  if (nested === undefined) return error
  return nested.then(
    () => error,
    (reason: unknown) => reason,
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
