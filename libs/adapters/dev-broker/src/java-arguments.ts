import { createHash } from 'node:crypto'
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerJars } from './fetch-broker-jars'

/** What archives of classes are called. */
export const CLASS_ARCHIVE = /^classes-[0-9a-f]{16}-\d+\.jsa$/

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
  return [
    ...[`-Xmx${heapMiB}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Djava.awt.headless=true'],
    ...archiveArguments({ java, jars }, classArchiveFile),
    ...['-cp', jars.classPath],
  ]
}

function archiveArguments(runtime: JavaRuntime, written: string | undefined): readonly string[] {
  if (written !== undefined) return [`-XX:ArchiveClassesAtExit=${written}`, ...QUIET]
  const kept = findClassArchive(runtime)
  return kept === undefined ? [] : [`-XX:SharedArchiveFile=${kept}`, ...QUIET]
}

/** The archive of classes for this Java and these jars, where it was made and has the size that its name tells: Java would die of one that was cut off. */
export function findClassArchive(runtime: JavaRuntime): string | undefined {
  const { folder } = runtime.jars
  const archives = existsSync(folder) ? readdirSync(folder).filter((name) => CLASS_ARCHIVE.test(name)) : []
  const whole = archives.find((name) => name === classArchiveName(runtime, statSync(join(folder, name)).size))
  return whole === undefined ? undefined : join(folder, whole)
}

/** What such an archive of so many bytes is called. */
export function classArchiveName(runtime: JavaRuntime, bytes: number): string {
  return `classes-${archiveKey(runtime)}-${bytes}.jsa`
}

/** Another Java, and jars at other places or of other times, have another archive: Java holds them against it. */
function archiveKey({ java, jars }: JavaRuntime): string {
  const files = [realpathSync(java), ...jars.classPath.split(':')]
  const marks = files.map((file) => {
    const { mtimeMs, size } = statSync(file)
    return `${file}|${mtimeMs}|${size}`
  })
  return createHash('sha256').update(marks.join('\n')).digest('hex').slice(0, 16)
}
