import { ChaosHouse } from './chaos-house'
import { chaosSuite, SEED } from './chaos-suite'
import { NO_CLUSTER, startDevCluster } from './dev-cluster'
import { killOneThenController } from './faults/kill-brokers'

const { guarantee, finish } = chaosSuite(async () => {
  const cluster = await startDevCluster(3)
  if (cluster === null) return { kind: 'skipped', reason: NO_CLUSTER }
  const { brokers } = cluster
  try {
    const house = await ChaosHouse.open({ brokers, seed: SEED, partitionCount: 2, screeners: 1, recordsPerSecond: 150, replication: 3 })
    return { kind: 'opened', house, stage: cluster, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
})

guarantee(
  'one broker of three that is killed, and then the one that leads the controllers, which another succeeds, lose and repeat nothing',
  ({ house, choice, stage }) => killOneThenController(house, { cluster: stage, choice }),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')
