import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { draftPrefix, type BrokerJars } from './fetch-broker-jars'
import { requireProgram } from './find-program'
import { classArchiveOf } from './java-arguments'
import { startDevBroker } from './start-dev-broker'

const ARCHIVE_NAME = /^classes-[0-9a-f]{16}\.jsa$/

/**
 * Makes the archive of Kafka's classes for this Java beside the jars, where it is missing, in place of those of other Javas: a broker is started for it and
 * stopped, ten seconds and 50 MB. Throws as `startDevBroker` does; makes none, without an error, where that broker had to be killed.
 */
export async function makeClassArchive(jars: BrokerJars): Promise<void> {
  const file = classArchiveOf({ java: requireProgram('java'), jars })
  if (existsSync(file)) return
  // Beside the folder: what a killed process leaves goes with the next fetch's old drafts.
  const folder = mkdtempSync(join(dirname(jars.folder), draftPrefix(jars.folder)))
  const draft = join(folder, 'classes.jsa')
  try {
    const broker = await startDevBroker({ folder: join(folder, 'broker'), jars, classArchiveFile: draft })
    await broker.stop()
    if (!existsSync(draft)) return
    for (const name of readdirSync(jars.folder)) if (ARCHIVE_NAME.test(name)) rmSync(join(jars.folder, name), { force: true })
    renameSync(draft, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
