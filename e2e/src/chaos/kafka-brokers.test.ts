import { ChaosHouse } from './chaos-house'
import { chaosSuite, SEED, type OpenedStage } from './chaos-suite'
import { startDevCluster, whyNoCluster, type DevCluster } from './dev-cluster'
import { disturbConnections } from './faults/disturb-connections'
import { restartBroker } from './faults/kill-brokers'

const { guarantee, finish } = chaosSuite({ skipped: whyNoCluster(), open })

async function open(): Promise<OpenedStage<DevCluster>> {
  const cluster = await startDevCluster(1)
  const { brokers, proxiedBrokers: serviceBrokers } = cluster
  try {
    const house = await ChaosHouse.open({
      brokers,
      serviceBrokers,
      seed: SEED,
      partitionCount: 4,
      screeners: ['0-3'],
      recordsPerSecond: 200,
    })
    return { house, stage: cluster, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
}

guarantee(
  'replies that are dropped, messages that are cut, delays and refusals between the services and the broker lose and repeat nothing',
  ({ house, choice, stage }) => disturbConnections(house, { proxy: stage.proxy!, choice }),
)

guarantee('a broker that is killed under load and started again loses and repeats nothing', ({ house, choice, stage }) =>
  restartBroker(house, { cluster: stage, choice }),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')
