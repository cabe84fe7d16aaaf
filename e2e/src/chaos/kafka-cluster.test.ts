import { ChaosHouse } from './chaos-house'
import { chaosSuite, SEED } from './chaos-suite'
import { NO_CLUSTER, startDevCluster } from './dev-cluster'
import { killController, killOneThenAnother } from './faults/kill-brokers'

const { guarantee, finish } = chaosSuite(async () => {
  const cluster = await startDevCluster(3)
  if (cluster === null) return { kind: 'skipped', reason: NO_CLUSTER }
  const { brokers } = cluster
  try {
    const house = await ChaosHouse.open({ brokers, seed: SEED, partitionCount: 4, screeners: 1, recordsPerSecond: 300, replication: 3 })
    return { kind: 'opened', house, stage: cluster, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
})

guarantee('one broker of three that is killed, and another once it is back, lose and repeat nothing', ({ house, choice, stage }) =>
  killOneThenAnother(house, { cluster: stage, choice }),
)

guarantee('the controller that is killed, which another broker succeeds, loses and repeats nothing', ({ house, choice, stage }) =>
  killController(house, { cluster: stage, choice }),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')
