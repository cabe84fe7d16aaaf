import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveFile } from './class-archive'
import type { BrokerJars } from './fetch-broker-jars'
import { requireProgram } from './find-program'
import { startDevBroker } from './start-dev-broker'

const ARCHIVE_NAME = /^classes-[0-9a-f]{16}\.jsa$/

/** Makes the archive for this Java and these jars beside them, where it is missing: a broker is started for it and stopped, about ten seconds. */
export async function makeClassArchive(jars: BrokerJars): Promise<void> {
  const file = archiveFile({ java: requireProgram('java'), jars })
  if (existsSync(file)) return
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-classes-'))
  const draft = `${file}.${process.pid}`
  try {
    const broker = await startDevBroker({ folder, jars, writeClassArchive: draft })
    await broker.stop()
    forgetArchives(jars.folder)
    // Not there where the broker had to be killed: it starts without, and the next call tries again.
    if (existsSync(draft)) renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}

function forgetArchives(folder: string): void {
  for (const name of readdirSync(folder)) if (ARCHIVE_NAME.test(name)) rmSync(join(folder, name), { force: true })
}
