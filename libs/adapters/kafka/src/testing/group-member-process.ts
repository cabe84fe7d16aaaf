import type { RawTopic } from '@riskledger/contracts'
import type { KafkaConnection } from '../kafka-connection'
import { joinScreenerGroup } from '../screener-group'

/** A member of a group in a process of its own, so that a test can stop and kill it; tells its parent what it is given and loses. */
const { connection, topics, partitionCount } = JSON.parse(process.argv[2]) as {
  readonly connection: KafkaConnection
  readonly topics: readonly RawTopic[]
  readonly partitionCount: number
}

process.once('disconnect', () => process.exit(0))

void joinScreenerGroup({
  connection,
  groupId: 'screeners',
  topics,
  partitionCount,
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 200,
  onAssigned: (assigned) => process.send?.({ assigned }),
  onLost: (lost) => process.send?.({ lost }),
}).then(({ failed }) => failed.catch(() => process.exit(1)))
