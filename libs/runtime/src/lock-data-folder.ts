import { RiskError } from '@riskledger/contracts'
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentProcess, isAlive, type ProcessIdentity } from './process-identity'
import { writeFileDurably } from './write-file-durably'

/** Who holds a data folder. */
export interface LockOwner {
  readonly pid: number
  /** As the user typed it: `riskledger up`. */
  readonly command: string
  /** Wall time, epoch milliseconds. */
  readonly sinceMs: number
  /** Where readers reach the ledger while it runs; null until the owner has announced it. */
  readonly connectionString: string | null
}

/** A held lock. */
export interface DataFolderLock {
  /** Tells readers where the ledger answers. */
  announce(connectionString: string): Promise<void>
  /** Gives the folder back; harmless twice. */
  release(): Promise<void>
}

interface LockRecord extends LockOwner, ProcessIdentity {
  readonly released: boolean
}

/** The folder inside the data folder that holds the lock; a backup leaves it out. */
export const LOCK_FOLDER = 'lock'

/**
 * Takes the data folder for this process alone, or throws RiskError `data-folder-in-use` naming the holder, `file-unreadable` where the folder cannot be
 * written, `disk-full`.
 * The lock of a process that is gone (killed, or its number now another's) is taken over.
 *
 * The lock is the highest-numbered file of `<folder>/lock`; it is taken by *creating* the next number, which only one process can, and given
 * back by marking it released. The highest file is never removed, so a contender that looked a moment ago cannot mistake
 * an old state for the present one, as it could with a single file that is unlinked and made anew.
 */
export async function lockDataFolder(
  folder: string,
  options: { readonly command: string; readonly connectionString?: string },
): Promise<DataFolderLock> {
  let record: LockRecord = {
    ...currentProcess(),
    command: options.command,
    sinceMs: Date.now(),
    connectionString: options.connectionString ?? null,
    released: false,
  }
  const path = await takeOrRefuse(folder, record)
  const rewrite = (change: Partial<LockRecord>): Promise<void> => {
    if (record.released) return Promise.resolve()
    record = { ...record, ...change }
    return writeFileDurably(path, JSON.stringify(record))
  }
  return {
    announce: (connectionString) => rewrite({ connectionString }),
    release: () => rewrite({ released: true }),
  }
}

/** Who holds the folder now, or undefined: nobody, or a process that is gone. Takes nothing and changes nothing. */
export async function readLock(folder: string): Promise<LockOwner | undefined> {
  const newest = await readNewest(join(folder, LOCK_FOLDER))
  if (newest?.record === undefined || !isHeld(newest.record)) return undefined
  const { pid, command, sinceMs, connectionString } = newest.record
  return { pid, command, sinceMs, connectionString }
}

async function takeOrRefuse(folder: string, record: LockRecord): Promise<string> {
  try {
    await mkdir(join(folder, LOCK_FOLDER), { recursive: true })
    return await take(folder, record)
  } catch (error) {
    if (error instanceof RiskError) throw error
    throw notLocked(folder, error as NodeJS.ErrnoException)
  }
}

async function take(folder: string, record: LockRecord): Promise<string> {
  const lockFolder = join(folder, LOCK_FOLDER)
  const draft = join(lockFolder, `draft-${record.pid}-${record.sinceMs}-${draftCount++}`)
  try {
    await writeFile(draft, JSON.stringify(record))
    for (;;) {
      const newest = await readNewest(lockFolder)
      if (newest?.record !== undefined && isHeld(newest.record)) throw inUse(folder, newest.record)
      const number = (newest?.number ?? 0) + 1
      const path = join(lockFolder, fileName(number))
      if (!(await linkExclusively(draft, path))) continue
      const numbers = await listNumbers(lockFolder)
      if (numbers.some((other) => other > number)) {
        await rm(path) // the number we took had been passed and cleaned away: look again
        continue
      }
      await Promise.all(numbers.filter((other) => other < number).map((other) => rm(join(lockFolder, fileName(other)), { force: true })))
      return path
    }
  } finally {
    // On a full disk it may be there, empty, or not at all.
    await rm(draft, { force: true })
  }
}

let draftCount = 0

const fileName = (number: number): string => `${String(number).padStart(9, '0')}.json`

async function linkExclusively(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function listNumbers(lockFolder: string): Promise<number[]> {
  try {
    const names = await readdir(lockFolder)
    return names.filter((name) => /^\d{9}\.json$/.test(name)).map((name) => Number(name.slice(0, 9)))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

async function readNewest(lockFolder: string): Promise<{ readonly number: number; readonly record: LockRecord | undefined } | undefined> {
  for (;;) {
    const numbers = await listNumbers(lockFolder)
    if (numbers.length === 0) return undefined
    const number = numbers.reduce((a, b) => (a > b ? a : b))
    const path = join(lockFolder, fileName(number))
    try {
      return { number, record: parseRecord(await readFile(path, 'utf8')) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // ENOENT: passed and cleaned away meanwhile, look again
    }
  }
}

/** A lock is linked whole, so unreadable text is a disk's fault, not a half-written lock: nobody can be named as its holder. */
function parseRecord(text: string): LockRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockRecord> | null
    return typeof value?.pid === 'number' && typeof value.released === 'boolean' ? (value as LockRecord) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const isHeld = (record: LockRecord): boolean => !record.released && isAlive(record)

function notLocked(folder: string, cause: NodeJS.ErrnoException): RiskError {
  const full = cause.code === 'ENOSPC'
  const message = full
    ? `${folder}: the disk is full. Make room and start again; nothing is half-written.`
    : `${folder} cannot be locked (${cause.code}). Check its owner and permissions, or choose another folder with --data-dir.`
  return new RiskError(full ? 'disk-full' : 'file-unreadable', message, { retriable: false, cause, context: { folder } })
}

function inUse(folder: string, { pid, command, sinceMs }: LockRecord): RiskError {
  const message = `${folder} is in use by process ${pid} (${command}, since ${timeOfDay(sinceMs)}). To write, stop it or choose another folder with --data-dir. Reading needs neither.`
  return new RiskError('data-folder-in-use', message, { retriable: false, context: { folder, pid, command, sinceMs } })
}

/** Local time of day, with the date where it is not today's. */
function timeOfDay(ms: number): string {
  const then = new Date(ms)
  const time = then.toTimeString().slice(0, 5)
  return then.toDateString() === new Date().toDateString() ? time : `${then.toDateString()} ${time}`
}
