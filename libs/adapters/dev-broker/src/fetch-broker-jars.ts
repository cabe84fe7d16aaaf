import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { requireProgram } from './find-program'
import { wholeJars, writeJarList } from './jar-list'
import { KAFKA_VERSION, kafkaPom } from './kafka-release'
import { runToEnd } from './run-to-end'

const FETCH_LIMIT_MS = 10 * 60_000
/** A draft that is as old was left by a fetch that was killed. */
const OLD_DRAFT_MS = 24 * 60 * 60_000
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
  /** Gives the fetch up; Maven is ended, and what it got is removed. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
}

/** The jars, where they have been fetched before and are whole, else undefined. Asks nobody. */
export function cachedBrokerJars({ cacheFolder = defaultCacheFolder() }: FetchOptions = {}): BrokerJars | undefined {
  const jars = wholeJars(cacheFolder)
  if (jars === undefined) return undefined
  return { version: KAFKA_VERSION, folder: cacheFolder, classPath: jars.map((name) => join(cacheFolder, name)).join(':') }
}

/**
 * The jars of Apache Kafka: 54 MB from Maven's central repository, about half a minute, once; later calls find them, and fetch them again where some are
 * gone or cut off. Checksums are verified. The folder appears whole or not at all, and of several callers at once, in whatever processes, each gets a whole one. Throws `configuration-invalid`
 * where `mvn` is missing, and `log-unavailable` where it fails, takes more than ten minutes or is given up.
 */
export async function fetchBrokerJars({ cacheFolder = defaultCacheFolder(), ...options }: FetchOptions = {}): Promise<BrokerJars> {
  removeOldDrafts(cacheFolder)
  const cached = cachedBrokerJars({ cacheFolder })
  if (cached !== undefined) return cached
  const mvn = options.mvn ?? requireProgram('mvn')
  mkdirSync(dirname(cacheFolder), { recursive: true })
  const draft = mkdtempSync(join(dirname(cacheFolder), draftPrefix(cacheFolder)))
  try {
    writeFileSync(join(draft, 'pom.xml'), kafkaPom(KAFKA_VERSION))
    await runToEnd(mvn, {
      args: ['-q', '-B', '-C', '-f', join(draft, 'pom.xml'), COPY_DEPENDENCIES, `-DoutputDirectory=${join(draft, 'libs')}`],
      timeoutMs: FETCH_LIMIT_MS,
      signal: options.signal,
      failure: `The jars of Kafka ${KAFKA_VERSION} could not be fetched (they are needed once, from Maven's central repository)`,
    })
    writeJarList(join(draft, 'libs'))
    publish(draft, cacheFolder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return cachedBrokerJars({ cacheFolder })!
}

/** Puts the draft's jars in the place of the folder; what is broken there goes with the draft. */
function publish(draft: string, folder: string): void {
  if (wholeJars(folder) !== undefined) return
  try {
    if (existsSync(folder)) renameSync(folder, join(draft, 'broken'))
    renameSync(join(draft, 'libs'), folder)
  } catch (error) {
    // Another caller was faster; both fetched the same.
    if (wholeJars(folder) === undefined) throw error
  }
}

/** What the names of drafts beside the jars' folder begin with; those of killed processes are removed a day later. */
export function draftPrefix(cacheFolder: string): string {
  return `.${basename(cacheFolder)}-`
}

function removeOldDrafts(cacheFolder: string): void {
  const parent = dirname(cacheFolder)
  if (!existsSync(parent)) return
  const drafts = readdirSync(parent).filter((name) => name.startsWith(draftPrefix(cacheFolder)))
  for (const draft of drafts.map((name) => join(parent, name))) {
    const made = statSync(draft, { throwIfNoEntry: false })
    if (made !== undefined && Date.now() - made.mtimeMs > OLD_DRAFT_MS) rmSync(draft, { recursive: true, force: true })
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
