import { existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { assertLogWhole, copyLog } from '@riskledger/embedded-log'
import { assertLedgerWhole, copyLedger } from '@riskledger/ledger-server'
import { DATA_FOLDER_FILE, LOCK_FOLDER, readDataFolder } from '@riskledger/runtime'
import { EMBEDDED, openHouse } from './open-house'
import { verifyHouse } from './verify-house'
import type { Fault } from './verify-ledger'
import { unwritable } from './write-output'

const WATCH_MS = 200

/** What a backup holds, found by reading it back. */
export interface BackupReport {
  readonly folder: string
  readonly streams: number
  readonly entries: number
  readonly inputs: number
  /** Records of the log that were read back. */
  readonly logRecords: number
  readonly bytes: number
}

/** How a backup is made. */
export interface BackupOptions {
  readonly environment: string
  /** Checked between the steps: once aborted, the backup ends with `cancelled` and leaves nothing. */
  readonly signal: AbortSignal
  readonly onCopied?: (bytes: number) => void
  readonly onVerified?: (inputs: number) => void
}

/**
 * Copies a data folder, also while it is in use: the ledger first and the log after it, so that the log holds everything that the ledger refers to.
 * The copy is made beside its place, read back whole, and takes its place only then; a backup that fails leaves nothing of itself. No cache, no lock.
 */
export async function backUp(dataDir: string, out: string, options: BackupOptions): Promise<BackupReport> {
  await readDataFolder(dataDir)
  const target = resolve(out)
  await refuseTarget(resolve(dataDir), target)
  assertLedgerWhole(join(dataDir, 'ledger'), { readOnly: true })
  assertLogWhole(join(dataDir, 'log'))
  const draft = `${target}.partial-${process.pid}`
  try {
    await mkdir(draft, { recursive: true })
    await copy(resolve(dataDir), draft, options)
    const report = await readBack(draft, options)
    await Promise.all([LOCK_FOLDER, 'cache'].map((part) => rm(join(draft, part), { recursive: true, force: true })))
    await rename(draft, target)
    await flush(dirname(target))
    return { ...report, folder: target }
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (error instanceof RiskError || (error as NodeJS.ErrnoException).code === undefined) throw error
    throw unwritable(out, error as NodeJS.ErrnoException)
  }
}

async function refuseTarget(dataDir: string, target: string): Promise<void> {
  const details = { retriable: false, context: { target } }
  const path = relative(dataDir, target)
  if (path !== '..' && !path.startsWith(`..${sep}`)) {
    throw new RiskError(
      'configuration-invalid',
      `--out is ${target}, inside of the data folder. A backup belongs elsewhere, best on another disk.`,
      details,
    )
  }
  if (!existsSync(target)) return
  if (!(await stat(target)).isDirectory())
    throw new RiskError('configuration-invalid', `${target} is a file. Name a new folder with --out.`, details)
  if ((await readdir(target)).length > 0)
    throw new RiskError(
      'configuration-invalid',
      `${target} is not empty. A backup is never written over anything: name a new folder with --out.`,
      details,
    )
}

async function copy(dataDir: string, draft: string, { signal, onCopied }: BackupOptions): Promise<void> {
  const watch = setInterval(() => {
    void copiedBytes(draft).then((bytes) => onCopied?.(bytes))
  }, WATCH_MS)
  try {
    await copyLedger(join(dataDir, 'ledger'), join(draft, 'ledger'))
    stopIfAsked(signal)
    await copyLog(join(dataDir, 'log'), join(draft, 'log'))
    stopIfAsked(signal)
    await copyFile(join(dataDir, DATA_FOLDER_FILE), join(draft, DATA_FOLDER_FILE))
    for (const part of [join('ledger', 'data.mdb'), join('log', 'data.mdb'), DATA_FOLDER_FILE, 'ledger', 'log', '.'])
      await flush(join(draft, part))
  } finally {
    clearInterval(watch)
  }
}

/** Opens the copy as any data folder, and verifies its ledger and its log. */
async function readBack(draft: string, { environment, signal, onVerified }: BackupOptions): Promise<Omit<BackupReport, 'folder'>> {
  const bytes = await copiedBytes(draft)
  const house = await openHouse({ ...EMBEDDED, dataDir: draft, command: 'riskledger backup' })
  try {
    const { streams, entries, inputs, logRecords, faults } = await verifyHouse(house, {
      environment,
      onInputs: (done) => {
        stopIfAsked(signal)
        onVerified?.(done)
      },
      onRecords: () => stopIfAsked(signal),
    })
    if (faults.length > 0) throw unverified(faults[0])
    return { streams, entries, inputs, logRecords, bytes }
  } finally {
    await house.close()
  }
}

function unverified({ stream, revision, reason }: Fault): RiskError {
  const place = revision < 0 ? stream : `${stream}@${revision}`
  return new RiskError(
    stream === 'log' ? 'log-corrupt' : 'ledger-corrupt',
    `The copy does not verify, so it was not kept: ${place}: ${reason}. Run riskledger verify on the data folder itself.`,
    { retriable: false, context: { stream, revision } },
  )
}

function stopIfAsked(signal: AbortSignal): void {
  if (signal.aborted) throw new RiskError('cancelled', 'The backup was stopped; nothing of it was kept.', { retriable: true })
}

async function copiedBytes(draft: string): Promise<number> {
  let bytes = 0
  for (const part of ['ledger', 'log']) {
    const file = join(draft, part, 'data.mdb')
    if (existsSync(file)) bytes += (await stat(file)).size
  }
  return bytes
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
