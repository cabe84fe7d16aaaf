import { join, resolve } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { BrokerNode, type SecuredAddress } from './broker-node'
import type { NodeAddress, ProxiedPort } from './broker-settings'
import { takeClusterFolder } from './cluster-folder'
import { fetchBrokerJars, type BrokerJars } from './fetch-broker-jars'
import { requireProgram } from './find-program'
import { freePorts, isPortFree } from './free-ports'
import { refuseBadUser, type SecuredPort } from './secured-listener'
import type { HowEnded } from './start-guarded'

const DEFAULT_HEAP_MIB = 256
const LEAST_HEAP_MIB = 128
/** So often other ports are tried where those that were chosen are taken before a node listens. */
const MOST_PORT_CHOICES = 3

/** What is started, and where. */
export interface DevBrokerOptions {
  /** Its settings, data and logs; made if it is not there, and taken up again if it holds a cluster of as many nodes. */
  readonly folder: string
  /** Default 1. With 3, every topic has three replicas, and a write is acknowledged when two have it. */
  readonly nodes?: 1 | 3
  /** One port for the clients of each node. Default: free ones, kept for as long as this lasts. */
  readonly ports?: readonly number[]
  /** A second port for clients of the one node, behind a proxy; clients that come in there are sent back there. Default: none. */
  readonly proxied?: ProxiedPort
  /** A second port for clients of the one node, with TLS and SASL, for tests of both. Default: none. */
  readonly secured?: SecuredPort
  /** Heap of each node in MiB; default 256, at least 128. A node takes about 150 MiB more. */
  readonly heapMiB?: number
  /** Default: fetched, if they have not been, into RiskLedger's own `.cache`. */
  readonly jars?: BrokerJars
  /** File that the one node writes its archive of classes to as it stops; see `makeClassArchive`. Default: none, and the one there is is used. */
  readonly classArchiveFile?: string
  /** Called when a node ends that was not asked to. Default: nothing. */
  readonly onNodeDied?: (id: number, how: HowEnded) => void
  /** Gives the start up while it lasts, also while jars are fetched; what runs then is `stop`'s. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
}

/** One node, to be killed and started again by a test. */
export interface DevBrokerNode {
  /** From 1. */
  readonly id: number
  /** `host:port`, the same over all its starts. */
  readonly broker: string
  /** Process id of the broker; undefined while it does not run. */
  readonly pid: number | undefined
  /** Ends it at once. */
  kill(): Promise<void>
  /** Asks it to hand its partitions over and end; after ten seconds it is killed. */
  stop(): Promise<void>
  /** Starts it again with the same ports and files; resolves when it answers. */
  start(): Promise<void>
}

/** A cluster that runs. */
export interface DevBroker {
  /** `host:port` of each node. */
  readonly brokers: string[]
  readonly nodes: readonly DevBrokerNode[]
  /** The secured port, as its clients need to know it; null where none was asked for. */
  readonly secured: SecuredAddress | null
  /** Ends every node. Its folder stays. */
  stop(): Promise<void>
}

/**
 * Starts Apache Kafka itself, of one node or three, on 127.0.0.1, from its jars; no containers. Resolves when each node answers and knows the others:
 * about five seconds after the first fetch of the jars, half of that once `makeClassArchive` was called. The nodes die with this process, also where it is killed. For development and tests: no
 * encryption and no passwords, but where `secured` asks for them.
 *
 * Throws `configuration-invalid` where `java` (or, for the first fetch, `mvn`) is missing, where an option is out of its limits, or where the folder
 * holds a cluster of another size; `data-folder-in-use` while a broker runs on it; `log-unavailable` where a node does not get ready, with the end of its log;
 * `cancelled` where the signal came first. Then nothing of it runs.
 */
export async function startDevBroker(options: DevBrokerOptions): Promise<DevBroker> {
  try {
    options.signal?.throwIfAborted()
    return await startChecked(options)
  } catch (error) {
    if (options.signal?.aborted !== true) throw error
    throw new RiskError('cancelled', 'Stopped before Kafka had come up; its files stay, and the next start takes them up.', {
      retriable: true,
      cause: error,
    })
  }
}

async function startChecked(options: DevBrokerOptions): Promise<DevBroker> {
  const { nodes: count = 1, heapMiB = DEFAULT_HEAP_MIB, signal } = options
  refuseBadOptions(options, { count, heapMiB })
  const java = requireProgram('java')
  const jars = options.jars ?? (await fetchBrokerJars({ signal }))
  const folder = resolve(options.folder)
  const clusterId = takeClusterFolder(folder, { nodes: count })
  for (let choice = 1; ; choice++) {
    const addresses = withSecondPorts(await chooseAddresses(count, options.ports), options)
    const nodes = addresses.map(
      (address) =>
        new BrokerNode(address, {
          folder: join(folder, `node-${address.id}`),
          java,
          jars,
          clusterId,
          nodes: addresses,
          heapMiB,
          classArchiveFile: options.classArchiveFile,
          onDied: (how) => options.onNodeDied?.(address.id, how),
        }),
    )
    try {
      await startTogether(nodes, signal)
      return { brokers: nodes.map(({ broker }) => broker), nodes, secured: nodes[0].secured, stop: () => stopTogether(nodes) }
    } catch (error) {
      await Promise.all(nodes.map((node) => node.kill()))
      if (signal?.aborted === true || options.ports !== undefined || choice === MOST_PORT_CHOICES || (await areFree(addresses))) throw error
    }
  }
}

function refuseBadOptions(
  { folder, ports, proxied, secured, classArchiveFile }: DevBrokerOptions,
  { count, heapMiB }: { readonly count: number; readonly heapMiB: number },
): void {
  const refuse = (message: string): never => {
    throw new RiskError('configuration-invalid', message, { retriable: false })
  }
  if (process.platform === 'win32') refuse('A local Kafka broker needs Linux or macOS; on Windows use WSL, or a container.')
  if (resolve(folder).includes(','))
    refuse(`Kafka takes a comma for the end of a path, and the folder ${resolve(folder)} has one. Name another folder.`)
  if (count !== 1 && count !== 3) refuse(`A local Kafka cluster has 1 node or 3, not ${count}.`)
  if (proxied !== undefined && count !== 1) refuse('A proxy stands before one node; a cluster of several has none.')
  if (secured !== undefined && count !== 1) refuse('A secured port belongs to one node; a cluster of several has none.')
  if (classArchiveFile !== undefined && count !== 1) refuse('One node writes an archive of its classes; a cluster of several writes none.')
  if (secured !== undefined) refuseBadUser(secured)
  if (!Number.isInteger(heapMiB) || heapMiB < LEAST_HEAP_MIB)
    refuse(`A Kafka node needs a heap of at least ${LEAST_HEAP_MIB} MiB, in whole MiB, not ${heapMiB}.`)
  if (ports !== undefined && (ports.length !== count || new Set(ports).size !== count || ports.some((port) => !isPort(port))))
    refuse(`${count} node(s) take ${count} different port(s) of 1 to 65535, not ${ports.join(', ')}.`)
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

async function chooseAddresses(count: number, given: readonly number[] | undefined): Promise<NodeAddress[]> {
  for (const port of given ?? [])
    if (!(await isPortFree(port)))
      throw new RiskError('configuration-invalid', `Port ${port} of 127.0.0.1 is taken. Stop what listens there, or name another.`, {
        retriable: false,
        context: { port },
      })
  const chosen = await freePorts(given === undefined ? 2 * count : count)
  const ports = given ?? chosen.splice(0, count)
  return ports.map((port, index) => ({ id: index + 1, port, controllerPort: chosen[index] }))
}

function withSecondPorts(
  addresses: readonly NodeAddress[],
  { proxied, secured }: Pick<DevBrokerOptions, 'proxied' | 'secured'>,
): readonly NodeAddress[] {
  return addresses.map((address) => ({
    ...address,
    ...(proxied === undefined ? {} : { proxied }),
    ...(secured === undefined ? {} : { secured }),
  }))
}

async function areFree(addresses: readonly NodeAddress[]): Promise<boolean> {
  for (const { port, controllerPort } of addresses) if (!(await isPortFree(port)) || !(await isPortFree(controllerPort))) return false
  return true
}

/** At once: a quorum of three is none before two of them run. */
async function startTogether(nodes: readonly BrokerNode[], signal: AbortSignal | undefined): Promise<void> {
  // All have to be through: one that still formats would start its process after the others were killed.
  const launches = await Promise.allSettled(nodes.map((node) => node.launch(signal)))
  for (const launch of launches) if (launch.status === 'rejected') throw launch.reason
  const ids = nodes.map(({ id }) => id)
  await Promise.all(nodes.map((node) => node.untilReady(ids, signal)))
}

/** One is stopped in order; several are killed, since whoever comes last would wait for a quorum that is gone. Their files survive both. */
async function stopTogether(nodes: readonly BrokerNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => (nodes.length === 1 ? node.stop() : node.kill())))
}
