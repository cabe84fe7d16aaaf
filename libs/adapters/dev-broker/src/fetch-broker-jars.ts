import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { requireProgram } from './find-program'
import { KAFKA_VERSION, kafkaPom } from './kafka-release'
import { runToEnd } from './run-to-end'

const FETCH_LIMIT_MS = 10 * 60_000
/** Pinned, since Maven would otherwise take whatever release its own defaults name. */
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** The jars of one release of Apache Kafka, whole. */
export interface BrokerJars {
  readonly version: string
  readonly folder: string
  /** Every jar, in a fixed order, as `java -cp` takes them. */
  readonly classPath: string
}

/** Where the jars go. */
export interface FetchOptions {
  /** Default: `.cache/kafka-<version>` in RiskLedger's own folder. */
  readonly cacheFolder?: string
  /** Path of Maven's executable; default: the one on the search path. */
  readonly mvn?: string
}

/** The jars, where they have been fetched before, else undefined. Asks nobody. */
export function cachedBrokerJars({ cacheFolder = defaultCacheFolder() }: FetchOptions = {}): BrokerJars | undefined {
  if (!existsSync(cacheFolder)) return undefined
  const jars = readdirSync(cacheFolder).filter((name) => name.endsWith('.jar'))
  return {
    version: KAFKA_VERSION,
    folder: cacheFolder,
    classPath: jars
      .sort()
      .map((name) => join(cacheFolder, name))
      .join(':'),
  }
}

/**
 * The jars of Apache Kafka: 54 MB from Maven's central repository, about half a minute, once; later calls find them. Checksums are verified. The
 * folder appears whole or not at all, and of several callers at once, in whatever processes, each gets a whole one. Throws `configuration-invalid`
 * where `mvn` is missing, and `log-unavailable` where it fails or takes more than ten minutes.
 */
export async function fetchBrokerJars({ cacheFolder = defaultCacheFolder(), ...options }: FetchOptions = {}): Promise<BrokerJars> {
  const cached = cachedBrokerJars({ cacheFolder })
  if (cached !== undefined) return cached
  const mvn = options.mvn ?? requireProgram('mvn')
  mkdirSync(dirname(cacheFolder), { recursive: true })
  const draft = mkdtempSync(join(dirname(cacheFolder), `.${basename(cacheFolder)}-`))
  try {
    writeFileSync(join(draft, 'pom.xml'), kafkaPom(KAFKA_VERSION))
    await runToEnd(mvn, {
      args: ['-q', '-B', '-C', '-f', join(draft, 'pom.xml'), COPY_DEPENDENCIES, `-DoutputDirectory=${join(draft, 'libs')}`],
      timeoutMs: FETCH_LIMIT_MS,
      failure: `The jars of Kafka ${KAFKA_VERSION} could not be fetched (they are needed once, from Maven's central repository)`,
    })
    publish(join(draft, 'libs'), cacheFolder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return cachedBrokerJars({ cacheFolder })!
}

function publish(draft: string, folder: string): void {
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another caller was faster; both fetched the same.
    if (!existsSync(folder)) throw error
  }
}

/** In RiskLedger's own folder, found upwards from this code, whether it runs from source or from a bundle. */
function defaultCacheFolder(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'riskledger')
      return join(folder, '.cache', `kafka-${KAFKA_VERSION}`)
    if (dirname(folder) === folder) throw new Error(`no folder above ${__dirname} is RiskLedger's`)
  }
}
