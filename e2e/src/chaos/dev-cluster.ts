import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canStartFromJars, fetchBrokerJars, freePorts, startDevBroker, type DevBrokerNode } from '@riskledger/dev-broker'
import { FaultProxy } from '@riskledger/testing'

const NO_CLUSTER = 'skipped: brokers that are to be killed are started here, which needs Java 17, and Maven for the first time'

/** Why tests that need such a cluster are skipped, or null. Under `CI=true` none is: without a cluster they fail. */
export function whyNoCluster(): string | null {
  return process.env.CI === 'true' || canStartFromJars() ? null : NO_CLUSTER
}

/** A cluster of this machine whose nodes may be killed and started again. */
export interface DevCluster {
  readonly brokers: readonly string[]
  readonly nodes: readonly DevBrokerNode[]
  /** Before a single node, for those who are told `proxiedBrokers`; null before three. */
  readonly proxy: FaultProxy | null
  readonly proxiedBrokers: readonly string[]
  /** The node that leads the quorum of controllers, and the term in which it does. */
  controller(): { readonly node: DevBrokerNode; readonly term: number }
  close(): Promise<void>
}

/** Starts one; throws where `whyNoCluster` has a reason. */
export async function startDevCluster(count: 1 | 3): Promise<DevCluster> {
  if (!canStartFromJars()) throw new Error(NO_CLUSTER.replace(/^skipped: /, ''))
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-chaos-broker-'))
  let proxy: FaultProxy | null = null
  const clean = async (): Promise<void> => {
    await proxy?.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const jars = await fetchBrokerJars()
    const [behind] = (await freePorts(1)) as [number]
    proxy = count === 1 ? await FaultProxy.start({ port: behind }) : null
    const proxied = proxy === null ? {} : { proxied: { port: behind, advertisedPort: proxy.port } }
    const { nodes, brokers } = await startDevBroker({ folder, jars, nodes: count, ...proxied })
    return {
      brokers,
      nodes,
      proxy,
      proxiedBrokers: proxy === null ? brokers : [`127.0.0.1:${proxy.port}`],
      controller: () => leaderOf(nodes, folder),
      close: async () => {
        await Promise.all(nodes.map((node) => node.kill()))
        await clean()
      },
    }
  } catch (error) {
    await clean()
    throw error
  }
}

/** As the nodes that run have it in their own files: to clients a broker names any node. */
function leaderOf(nodes: readonly DevBrokerNode[], folder: string): { readonly node: DevBrokerNode; readonly term: number } {
  const states = nodes.flatMap(({ id, pid }) => {
    if (pid === undefined) return []
    const file = join(folder, `node-${id}`, 'data', '__cluster_metadata-0', 'quorum-state')
    return [JSON.parse(readFileSync(file, 'utf8')) as { readonly leaderId: number; readonly leaderEpoch: number }]
  })
  const { leaderId, leaderEpoch } = states.sort((a, b) => b.leaderEpoch - a.leaderEpoch || b.leaderId - a.leaderId)[0]
  const node = nodes.find(({ id }) => id === leaderId)
  if (node === undefined) throw new Error(`in term ${leaderEpoch} no node leads the controllers yet`)
  return { node, term: leaderEpoch }
}
