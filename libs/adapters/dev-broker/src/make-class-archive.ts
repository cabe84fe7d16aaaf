import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { draftPrefix, type BrokerJars } from './fetch-broker-jars'
import { requireProgram } from './find-program'
import { CLASS_ARCHIVE, classArchiveName, findClassArchive } from './java-arguments'
import { startDevBroker } from './start-dev-broker'

const MARK_BYTES = 4

/**
 * Makes the archive of Kafka's classes for this Java and these jars beside them, where it is missing, in place of others: a broker is started for it and
 * stopped, ten seconds and 50 MB. Throws as `startDevBroker` does, and `log-unavailable` where that broker wrote no whole archive.
 */
export async function makeClassArchive(jars: BrokerJars): Promise<void> {
  const runtime = { java: requireProgram('java'), jars }
  if (findClassArchive(runtime) !== undefined) return
  // Beside the folder: what a killed process leaves goes with the next fetch's old drafts.
  const folder = mkdtempSync(join(dirname(jars.folder), draftPrefix(jars.folder)))
  const draft = join(folder, 'classes.jsa')
  try {
    const broker = await startDevBroker({ folder: join(folder, 'broker'), jars, classArchiveFile: draft })
    await broker.stop()
    if (!isWhole(draft)) throw new RiskError('log-unavailable', 'Java wrote no archive of its classes.', { retriable: true })
    for (const name of readdirSync(jars.folder)) if (CLASS_ARCHIVE.test(name)) rmSync(join(jars.folder, name), { force: true })
    renameSync(draft, join(jars.folder, classArchiveName(runtime, statSync(draft).size)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Java writes the mark at the beginning last. What is whole is on the disk when it returns. */
function isWhole(file: string): boolean {
  if (!existsSync(file)) return false
  const descriptor = openSync(file, 'r')
  try {
    const mark = Buffer.alloc(MARK_BYTES)
    const isMarked = readSync(descriptor, mark, 0, MARK_BYTES, 0) === MARK_BYTES && mark.readUInt32LE() !== 0
    fsyncSync(descriptor)
    return isMarked
  } finally {
    closeSync(descriptor)
  }
}
