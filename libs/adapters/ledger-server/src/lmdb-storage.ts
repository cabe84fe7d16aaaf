import { mkdirSync, statfsSync } from 'node:fs'
import { RiskError } from '@riskledger/contracts'
import { open, type Database, type RootDatabase } from 'lmdb'
import { assertLedgerWhole } from './assert-ledger-whole'
import type { LedgerStorage, StoredAppend, WriteProgress } from './ledger-storage'

/** Layout of the store; raised whenever an older server could misread what a newer one wrote. */
export const STORE_FORMAT = 1

/** How to open a store. */
export interface LmdbStorageOptions {
  /** Folder of its own; made if it is missing. */
  readonly folder: string
  /** Address space reserved at first, in bytes; LMDB enlarges it when it is used up. Default 4 GiB. */
  readonly mapSizeBytes?: number
  /** Room that must stay free on the disk beyond what is written, in bytes. Default 4 MiB. */
  readonly minFreeBytes?: number
}

const DEFAULT_MAP_SIZE_BYTES = 4 * 1024 ** 3
const DEFAULT_MIN_FREE_BYTES = 4 * 1024 ** 2

/** LMDB under the ledger: records by position, an index by stream and revision, and the streams' names. */
export class LmdbStorage implements LedgerStorage {
  private readonly root: RootDatabase
  private readonly records: Database<Buffer, number>
  private readonly index: Database<number, [number, number]>
  private readonly numbers: Database<number, string>
  private readonly names: Database<string, number>
  private readonly folder: string
  private readonly minFreeBytes: number

  /** Throws `data-folder-format` where a newer version wrote the folder, `ledger-corrupt` where it is damaged or cannot be opened. */
  constructor({ folder, mapSizeBytes = DEFAULT_MAP_SIZE_BYTES, minFreeBytes = DEFAULT_MIN_FREE_BYTES }: LmdbStorageOptions) {
    this.folder = folder
    this.minFreeBytes = minFreeBytes
    assertLedgerWhole(folder, { readOnly: false })
    mkdirSync(folder, { recursive: true })
    try {
      this.root = open({ path: folder, maxDbs: 8, mapSize: mapSizeBytes, noSubdir: false, cache: false })
      this.records = this.root.openDB({ name: 'records', encoding: 'binary' })
      this.index = this.root.openDB({ name: 'index', encoding: 'ordered-binary' })
      this.numbers = this.root.openDB({ name: 'numbers', encoding: 'ordered-binary' })
      this.names = this.root.openDB({ name: 'names', encoding: 'string' })
    } catch (cause) {
      throw new RiskError('ledger-corrupt', `The ledger in ${folder} cannot be opened: ${String(cause)}. Restore it from a backup.`, {
        retriable: false,
        cause,
        context: { folder },
      })
    }
    this.checkFormat(folder)
  }

  write(appends: readonly StoredAppend[]): WriteProgress {
    const full = this.diskFull(appends)
    if (full !== undefined) {
      const refused = Promise.reject(full)
      return { committed: refused, flushed: refused }
    }
    const parts: Promise<unknown>[] = []
    // A batch is one transaction: LMDB takes all of it or nothing.
    const whole = this.root.batch(() => {
      for (const append of appends) {
        parts.push(this.records.put(append.position, append.record))
        parts.push(this.index.put([append.streamNumber, append.firstRevision], append.position))
        if (append.newStream === undefined) continue
        parts.push(this.numbers.put(append.newStream, append.streamNumber))
        parts.push(this.names.put(append.streamNumber, append.newStream))
      }
    })
    // Readers share one snapshot for a while; what is told as committed must be in the next one they take.
    const committed = Promise.all([whole, ...parts]).then(() => this.root.resetReadTxn(), commitFailure)
    return { committed, flushed: committed.then(() => this.root.flushed).then(() => undefined) }
  }

  recordAt(position: number): Buffer | undefined {
    return this.records.getBinary(position)
  }

  positionAtOrBefore(position: number): number | undefined {
    for (const key of this.records.getKeys({ start: position, reverse: true, limit: 1 })) return key
    return undefined
  }

  positionAtOrAfter(position: number): number | undefined {
    for (const key of this.records.getKeys({ start: position, limit: 1 })) return key
    return undefined
  }

  streamNumber(stream: string): number | undefined {
    return this.numbers.get(stream)
  }

  lastStreamNumber(): number {
    for (const key of this.names.getKeys({ reverse: true, limit: 1 })) return key
    return 0
  }

  appendAtOrBefore(streamNumber: number, revision: number): { firstRevision: number; position: number } | undefined {
    const range = this.index.getRange({ start: [streamNumber, revision], end: [streamNumber, -1], reverse: true, limit: 1 })
    for (const { key, value } of range) return { firstRevision: key[1], position: value }
    return undefined
  }

  async close(): Promise<void> {
    await this.root.flushed
    await this.root.close()
  }

  /**
   * LMDB rolls a transaction back that finds the disk full, but its binding was seen to damage its own memory while doing so:
   * a full disk is therefore noticed before LMDB is asked. Changed pages are written anew, hence the factor.
   */
  private diskFull(appends: readonly StoredAppend[]): Error | undefined {
    let bytes = 0
    for (const append of appends) bytes += append.record.length
    const { bavail, bsize } = statfsSync(this.folder)
    const freeBytes = bavail * bsize
    if (freeBytes >= 2 * bytes + this.minFreeBytes) return undefined
    return Object.assign(new Error(`${freeBytes} bytes are free in ${this.folder}`), { code: 'ENOSPC' })
  }

  private checkFormat(folder: string): void {
    const meta = this.root.openDB<number, string>({ name: 'meta', encoding: 'ordered-binary' })
    const found = meta.get('format')
    if (found === undefined) {
      meta.putSync('format', STORE_FORMAT)
      return
    }
    if (found === STORE_FORMAT) return
    void this.root.close()
    const advice =
      found > STORE_FORMAT ? 'Start it with that version, or a newer one.' : 'Export it with the version that wrote it and import it here.'
    throw new RiskError(
      'data-folder-format',
      `The ledger in ${folder} has format ${found}, this version reads format ${STORE_FORMAT}. ${advice}`,
      {
        retriable: false,
        context: { folder, found, readable: STORE_FORMAT },
      },
    )
  }
}

/** LMDB says only that a commit failed, with a promise of the reason. Throws the reason. */
async function commitFailure(failure: unknown): Promise<never> {
  const reason = (failure as { commitError?: Promise<never> }).commitError
  if (reason !== undefined) await reason
  throw failure
}
