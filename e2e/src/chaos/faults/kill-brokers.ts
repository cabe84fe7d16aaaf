import type { DevBrokerNode } from '@riskledger/dev-broker'
import type { ChaosHouse } from '../chaos-house'
import type { DevCluster } from '../dev-cluster'
import type { SeededChoice } from '../seeded-choice'

const LIMIT_MS = 60_000

/** What a fault of the brokers is done to and drawn by. */
export interface BrokerFaultOptions {
  readonly cluster: DevCluster
  readonly choice: SeededChoice
}

/** Kills the only broker at a drawn moment under load and starts it again. */
export async function restartBroker(house: ChaosHouse, { cluster, choice }: BrokerFaultOptions): Promise<void> {
  await house.pass(choice.whole(200, 800))
  const [node] = cluster.nodes
  const { pid } = node
  await node.kill()
  await node.start()
  if (node.pid === undefined || node.pid === pid) throw new Error('the broker was not started anew')
  await goOn(house)
}

/** Of three brokers kills a drawn one, and another after the first is back: each time two have to carry on. */
export async function killOneThenAnother(house: ChaosHouse, { cluster, choice }: BrokerFaultOptions): Promise<void> {
  for (const node of choice.shuffled(cluster.nodes).slice(0, 2)) await killAndGoOn(house, node, { choice })
  await goOn(house)
}

/** Of three brokers kills a drawn one that leads no controllers, and the one that does after the first is back: the least time in which both have happened. */
export async function killOneThenController(house: ChaosHouse, options: BrokerFaultOptions): Promise<void> {
  const { cluster, choice } = options
  const leading = cluster.controller().node
  await killAndGoOn(house, choice.one(cluster.nodes.filter((node) => node !== leading)), options)
  await killController(house, options)
}

/** Kills the node that leads the controllers; another must lead before it is back. */
export async function killController(house: ChaosHouse, { cluster, choice }: BrokerFaultOptions): Promise<void> {
  await house.pass(choice.whole(100, 500))
  const { node, term } = cluster.controller()
  await node.kill()
  await goOn(house)
  for (const deadlineMs = performance.now() + LIMIT_MS; !isSucceeded(cluster, term);) {
    if (performance.now() > deadlineMs)
      throw new Error(`nobody leads the controllers after node ${node.id}, which was killed in term ${term}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await node.start()
  await goOn(house)
}

async function killAndGoOn(house: ChaosHouse, node: DevBrokerNode, { choice }: Pick<BrokerFaultOptions, 'choice'>): Promise<void> {
  await house.pass(choice.whole(100, 500))
  await node.kill()
  // Two are enough: work goes on before the third is back.
  await goOn(house)
  await node.start()
}

/** What ends without a broker is started again, as whoever supervises it would. */
async function goOn(house: ChaosHouse): Promise<void> {
  await house.startWhatIsDown()
  await house.pass(400)
}

function isSucceeded(cluster: DevCluster, term: number): boolean {
  try {
    return cluster.controller().term > term
  } catch {
    // A term without a leader, or a file that is being replaced: the next look is soon, and the caller's limit holds.
    return false
  }
}
