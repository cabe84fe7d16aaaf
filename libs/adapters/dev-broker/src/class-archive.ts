import { createHash } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerJars } from './fetch-broker-jars'

/** A Java and the jars that it runs. */
export interface JavaRuntime {
  readonly java: string
  readonly jars: BrokerJars
}

/**
 * What Java is told of the archive of Kafka's classes as it loaded them once (class data sharing, JEP 350): with it a broker starts in half the time. Nothing where
 * there is none; Java passes over one that does not fit it or the jars.
 */
export function classArchiveArguments(runtime: JavaRuntime): readonly string[] {
  const file = archiveFile(runtime)
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'] : []
}

/** What has Java write such an archive as it ends. */
export function writeArchiveArguments(file: string): readonly string[] {
  return [`-XX:ArchiveClassesAtExit=${file}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
}

/** Where the archive for this Java and these jars lies, if it was made. */
export function archiveFile({ java, jars }: JavaRuntime): string {
  const program = realpathSync(java)
  const { mtimeMs, size } = statSync(program)
  const key = createHash('sha256').update(`${program}|${mtimeMs}|${size}`).digest('hex').slice(0, 16)
  return join(jars.folder, `classes-${key}.jsa`)
}
