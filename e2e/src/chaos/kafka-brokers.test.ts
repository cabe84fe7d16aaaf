import { ChaosHouse, type ChaosHouseOptions } from './chaos-house'
import { chaosSuite, SEED, type OpenedStage } from './chaos-suite'
import { NO_CLUSTER, startDevCluster, type DevCluster } from './dev-cluster'
import { disturbConnections } from './faults/disturb-connections'
import { killController, killOneThenAnother, restartBroker } from './faults/kill-brokers'

/** A house on a cluster of its own. */
async function openOn(
  nodes: 1 | 3,
  options: Pick<ChaosHouseOptions, 'screeners' | 'recordsPerSecond' | 'replication'>,
): Promise<OpenedStage<DevCluster>> {
  const cluster = await startDevCluster(nodes)
  if (cluster === null) return { kind: 'skipped', reason: NO_CLUSTER }
  const { brokers, proxiedBrokers: serviceBrokers } = cluster
  try {
    const house = await ChaosHouse.open({ brokers, serviceBrokers, seed: SEED, partitionCount: 4, ...options })
    return { kind: 'opened', house, stage: cluster, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
}

describe('with one broker', () => {
  const { guarantee, finish } = chaosSuite(() => openOn(1, { screeners: ['0-3'], recordsPerSecond: 300 }))

  guarantee(
    'replies that are dropped, messages that are cut, delays and refusals between the services and the broker lose and repeat nothing',
    ({ house, choice, stage }) => disturbConnections(house, { proxy: stage.proxy!, choice }),
  )

  guarantee('a broker that is killed under load and started again loses and repeats nothing', ({ house, choice, stage }) =>
    restartBroker(house, { cluster: stage, choice }),
  )

  finish('after all of it, the journals fold to what they record, and their chains are whole')
})

describe('with three brokers', () => {
  const { guarantee, finish } = chaosSuite(() => openOn(3, { screeners: 2, recordsPerSecond: 300, replication: 3 }))

  guarantee('one broker that is killed, and another once the first is back, lose and repeat nothing', ({ house, choice, stage }) =>
    killOneThenAnother(house, { cluster: stage, choice }),
  )

  guarantee('a controller that is killed loses and repeats nothing', ({ house, choice, stage }) =>
    killController(house, { cluster: stage, choice }),
  )

  finish('after all of it, the journals fold to what they record, and their chains are whole')
})
