import { createHash } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerJars } from './fetch-broker-jars'

/** A Java and the jars that it runs. */
export interface JavaRuntime {
  readonly java: string
  readonly jars: BrokerJars
}

/** How one of Kafka's programs is run. */
export interface JavaOptions {
  readonly heapMiB: number
  /** File that Java writes its archive of classes to as it ends; default: none, and the one there is is used. */
  readonly classArchiveFile?: string | undefined
}

/** An archive that does not fit this Java or these jars is passed over, without a word in Kafka's output. */
const QUIET = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off']

/**
 * What Kafka's programs are started with. The serial collector and the first compiler alone: a broker for tests lives for seconds, and start-up is most of what it
 * does. With the archive of its classes (class data sharing, JEP 350) it starts in half the time.
 */
export function javaArguments({ java, jars }: JavaRuntime, { heapMiB, classArchiveFile }: JavaOptions): readonly string[] {
  const kept = classArchiveOf({ java, jars })
  const archive =
    classArchiveFile !== undefined
      ? [`-XX:ArchiveClassesAtExit=${classArchiveFile}`, ...QUIET]
      : existsSync(kept)
        ? [`-XX:SharedArchiveFile=${kept}`, ...QUIET]
        : []
  return [
    ...[`-Xmx${heapMiB}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Djava.awt.headless=true'],
    ...archive,
    ...['-cp', jars.classPath],
  ]
}

/** Where the archive of classes for this Java and these jars lies, if it was made: another Java has another. */
export function classArchiveOf({ java, jars }: JavaRuntime): string {
  const program = realpathSync(java)
  const { mtimeMs, size } = statSync(program)
  const key = createHash('sha256').update(`${program}|${mtimeMs}|${size}`).digest('hex').slice(0, 16)
  return join(jars.folder, `classes-${key}.jsa`)
}
