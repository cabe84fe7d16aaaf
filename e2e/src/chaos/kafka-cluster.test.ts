import { ChaosHouse } from './chaos-house'
import { chaosSuite, SEED, type OpenedStage } from './chaos-suite'
import { startDevCluster, whyNoCluster, type DevCluster } from './dev-cluster'
import { killOneThenController } from './faults/kill-brokers'

const { guarantee, finish } = chaosSuite({ skipped: whyNoCluster(), open })

async function open(): Promise<OpenedStage<DevCluster>> {
  const cluster = await startDevCluster(3)
  const { brokers } = cluster
  try {
    const house = await ChaosHouse.open({ brokers, seed: SEED, partitionCount: 2, screeners: 1, recordsPerSecond: 150, replication: 3 })
    return { house, stage: cluster, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
}

guarantee(
  'one broker of three that is killed, and then the one that leads the controllers, which another succeeds, lose and repeat nothing',
  ({ house, choice, stage }) => killOneThenController(house, { cluster: stage, choice }),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')
