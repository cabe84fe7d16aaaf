import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import type { BrokerJars } from './fetch-broker-jars'
import { javaArguments } from './java-arguments'
import { runningCommand, type ProcessSources } from './running-command'
import { runToEnd } from './run-to-end'

const FORMAT_LIMIT_MS = 60_000
const FORMAT_HEAP_MIB = 128
/** What stands before the settings file, the last argument of a broker. */
export const BROKER_CLASS = 'kafka.Kafka'

/** What a folder holds, as its `cluster.json` says. */
interface ClusterNote {
  readonly clusterId: string
  readonly nodes: number
}

/**
 * Takes a folder for a cluster of so many nodes and returns its cluster id: a new one, or that of the cluster which was kept here before. Throws
 * `configuration-invalid` where that had another number of nodes.
 */
export function takeClusterFolder(folder: string, { nodes }: { readonly nodes: number }): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'cluster.json')
  if (!existsSync(file)) {
    const note: ClusterNote = { clusterId: newClusterId(), nodes }
    writeFileSync(file, `${JSON.stringify(note)}\n`)
    return note.clusterId
  }
  const kept = JSON.parse(readFileSync(file, 'utf8')) as ClusterNote
  if (kept.nodes === nodes) return kept.clusterId
  throw new RiskError(
    'configuration-invalid',
    `${folder} holds a Kafka cluster of ${kept.nodes} node(s), not ${nodes}. Start it with that number, or name another folder.`,
    { retriable: false },
  )
}

/** The broker that last ran on a node's folder, by which a second one is refused: Kafka itself writes to its metadata before it looks at its lock. */
export interface RunningMark {
  /** File that holds the broker's process id. */
  readonly pidFile: string
  /** The last argument of its command line, by whatever path, so that another process with the same number is not taken for it. */
  readonly settingsFile: string
}

/**
 * Throws `data-folder-in-use` while a broker runs on these files, or where a process has its number and nobody tells whether it is that broker.
 */
export function refuseRunningBroker({ pidFile, settingsFile }: RunningMark, sources: ProcessSources = {}): void {
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8').trim())
  const running = runningCommand(pid, sources)
  if (running.kind === 'none' || (running.kind === 'known' && !runsOn(running.command, settingsFile))) return
  throw new RiskError(
    'data-folder-in-use',
    running.kind === 'known'
      ? `A Kafka broker (process ${pid}) runs on ${settingsFile} already. Stop it, or name another folder.`
      : `A Kafka broker may run on ${settingsFile}: there is a process ${pid}, and this system does not tell what it is. Stop it, or remove ${pidFile} if it is another program.`,
    {
      retriable: true,
      context: { pid },
    },
  )
}

function runsOn(command: string, settingsFile: string): boolean {
  const before = command.lastIndexOf(` ${BROKER_CLASS} `)
  return before >= 0 && realPath(command.slice(before + BROKER_CLASS.length + 2)) === realPath(settingsFile)
}

/** Where the path leads; itself where there is nothing. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** Takes away the mark of a broker that has ended, unless another has put its own there. */
export function forgetBroker(pidFile: string, pid: number): void {
  if (existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim() === String(pid)) rmSync(pidFile, { force: true })
}

/** How a node's storage is formatted. */
export interface FormatOptions {
  readonly java: string
  readonly jars: BrokerJars
  readonly clusterId: string
  readonly settingsFile: string
  /** Further arguments of Kafka's own tool. */
  readonly more: readonly string[]
  /** Ends the formatting early; the next start begins it anew. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
}

/** Formats a node's data folder on its first start; one that was formatted is left alone. */
export async function formatStorage(
  dataFolder: string,
  { java, jars, clusterId, settingsFile, more, signal }: FormatOptions,
): Promise<void> {
  if (existsSync(join(dataFolder, 'meta.properties'))) return
  // What an interrupted format left is no storage.
  rmSync(dataFolder, { recursive: true, force: true })
  await runToEnd(java, {
    args: [
      ...javaArguments({ java, jars }, { heapMiB: FORMAT_HEAP_MIB }),
      ...['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', settingsFile, ...more],
    ],
    timeoutMs: FORMAT_LIMIT_MS,
    signal,
    failure: `The storage in ${dataFolder} could not be formatted`,
  })
}

/** Kafka takes 16 bytes in base64url; a leading minus would read as a flag. */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
