import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import type { BrokerJars } from './fetch-broker-jars'
import { runToEnd } from './run-to-end'

const FORMAT_LIMIT_MS = 60_000

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
  /** An argument of its command line, so that another process with the same number is not taken for it. */
  readonly settingsFile: string
}

/** Throws `data-folder-in-use` while a broker runs on these files. */
export function refuseRunningBroker({ pidFile, settingsFile }: RunningMark): void {
  if (!existsSync(pidFile)) return
  const pid = readFileSync(pidFile, 'utf8').trim()
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', pid], { encoding: 'utf8' })
  if (!stdout.includes(settingsFile)) return
  throw new RiskError(
    'data-folder-in-use',
    `A Kafka broker (process ${pid}) runs on ${settingsFile} already. Stop it, or name another folder.`,
    {
      retriable: true,
      context: { pid: Number(pid) },
    },
  )
}

/** How a node's storage is formatted. */
export interface FormatOptions {
  readonly java: string
  readonly jars: BrokerJars
  readonly clusterId: string
  readonly settingsFile: string
  /** Further arguments of Kafka's own tool. */
  readonly more: readonly string[]
}

/** Formats a node's data folder on its first start; one that was formatted is left alone. */
export async function formatStorage(dataFolder: string, { java, jars, clusterId, settingsFile, more }: FormatOptions): Promise<void> {
  if (existsSync(join(dataFolder, 'meta.properties'))) return
  // What an interrupted format left is no storage.
  rmSync(dataFolder, { recursive: true, force: true })
  await runToEnd(java, {
    args: [
      ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-cp', jars.classPath],
      ...['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', settingsFile, ...more],
    ],
    timeoutMs: FORMAT_LIMIT_MS,
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
