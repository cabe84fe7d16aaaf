import type { ChaosHouse } from './chaos-house'
import { checkHouse } from './check-house'
import type { DevCluster } from './dev-cluster'
import { disturbConnections } from './faults/disturb-connections'
import { floodWithBadRecords } from './faults/flood-with-bad-records'
import { holdZombie } from './faults/hold-zombie'
import { killController, killOneThenAnother, restartBroker } from './faults/kill-brokers'
import { killAtOnce, killServices } from './faults/kill-services'
import { moveCommittedOffsets } from './faults/move-committed-offsets'
import { orderSecondScreener } from './faults/order-second-screener'
import { publishTransactions } from './faults/publish-transactions'
import { stormOfRebalances } from './faults/storm-of-rebalances'
import { measureFlood } from './measure-flood'
import type { SeededChoice } from './seeded-choice'

/** A fault that may happen to a house. */
export interface DrawnFault {
  readonly name: string
  /** Lets it happen; throws where it did not bite, or what it must bring about did not come. May tell a line of figures. */
  readonly happen: () => Promise<string | void>
}

/** Draws one of the faults that this house and this cluster can meet. */
export function drawFault({
  house,
  choice,
  cluster,
}: {
  readonly house: ChaosHouse
  readonly choice: SeededChoice
  readonly cluster: DevCluster
}): DrawnFault {
  const { proxy, nodes } = cluster
  const faults: DrawnFault[] = [
    { name: 'kill each service', happen: () => killServices(house, choice) },
    { name: 'kill all services at once', happen: () => killAtOnce(house, choice) },
    { name: 'disturb the ledger', happen: () => disturbConnections(house, { proxy: house.ledgerProxy, choice }) },
    { name: 'transactions', happen: async () => void (await publishTransactions(house)) },
    { name: 'flood', happen: () => flood(house, choice) },
  ]
  if (typeof house.options.screeners === 'number') {
    faults.push(
      { name: 'storm of rebalances', happen: () => stormOfRebalances(house, choice) },
      { name: 'zombie', happen: () => zombie(house, choice) },
      { name: 'committed offsets', happen: () => moveCommittedOffsets(house, choice) },
    )
  } else faults.push({ name: 'second screener by hand', happen: () => orderSecondScreener(house, choice) })
  if (proxy !== null) faults.push({ name: 'disturb the broker', happen: () => disturbConnections(house, { proxy, choice }) })
  if (nodes.length === 1) faults.push({ name: 'restart the broker', happen: () => restartBroker(house, { cluster, choice }) })
  else {
    faults.push(
      { name: 'one broker, then another', happen: () => killOneThenAnother(house, { cluster, choice }) },
      { name: 'kill the controller', happen: () => killController(house, { cluster, choice }) },
    )
  }
  return choice.one(faults)
}

async function flood(house: ChaosHouse, choice: SeededChoice): Promise<string> {
  const poured = await floodWithBadRecords(house, choice)
  const { faults, bad, good, mostOvertaken, latencyMs } = measureFlood((await checkHouse(house)).journal.inputs, poured)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return `${good} good records beside ${bad} bad ones: p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, overtaken by ${mostOvertaken} at most`
}

async function zombie(house: ChaosHouse, choice: SeededChoice): Promise<string> {
  const lost = await holdZombie(house, choice)
  return `lost partitions ${lost.join(', ')} while it was held, and met the refusal of the journal`
}
