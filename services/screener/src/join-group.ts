import { RAW_TOPICS, RiskError, type Logger } from '@riskledger/contracts'
import { joinScreenerGroup, type CommittedPosition, type ScreenerGroup } from '@riskledger/kafka'
import type { LogAddress } from '@riskledger/runtime'
import type { PartitionWorkers } from './partition-workers'

/** How often positions are committed for lag monitors. */
const COMMIT_MS = 5_000

/** Who joins, and what follows from being given a partition. */
export interface JoinGroupOptions {
  readonly log: LogAddress
  readonly groupId: string
  readonly partitionCount: number
  readonly sessionTimeoutMs: number | undefined
  readonly workers: PartitionWorkers
  /** It is in the group, and `workers` have been told what it was given, which may be nothing. Called each time that the group has shared. */
  readonly onJoined: () => void
  /** After each change that stands. */
  readonly onSettled: () => void
  readonly logger: Logger
}

/** A screener's membership: its workers follow what the group assigns. */
export interface GroupMembership {
  readonly failed: Promise<never>
  leave(): Promise<void>
}

/**
 * Joins the group that shares the partitions, and takes and leaves partitions as it says. Resolves once connected; `onJoined` tells when it is in. Positions are committed every five seconds for lag monitors: the
 * journal is the position, and nothing is read back. Throws `configuration-invalid` where the log is not on a cluster.
 */
export async function joinGroup({ log, workers, onSettled, sessionTimeoutMs, ...options }: JoinGroupOptions): Promise<GroupMembership> {
  if (log.kind !== 'kafka')
    throw new RiskError('configuration-invalid', 'A group shares the partitions of a Kafka cluster: name one with --kafka.', {
      retriable: false,
    })
  const mine = new Set<number>()
  const follow = (): void => {
    // Rejections reach `workers.failed`.
    workers.assign([...mine].sort((a, b) => a - b)).then(onSettled, () => undefined)
  }
  const group = await joinScreenerGroup({
    ...options,
    connection: log.connection,
    onAssigned: (partitions) => {
      for (const partition of partitions) mine.add(partition)
      follow()
    },
    onLost: (partitions) => {
      for (const partition of partitions) mine.delete(partition)
      follow()
    },
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
  })
  const timer = setInterval(() => void commit(group, workers), COMMIT_MS)
  return {
    failed: group.failed,
    leave: async () => {
      clearInterval(timer)
      await group.leave()
    },
  }
}

async function commit(group: ScreenerGroup, workers: PartitionWorkers): Promise<void> {
  const positions: CommittedPosition[] = []
  for (const [partition, worker] of workers.running) {
    for (const [place, topic] of RAW_TOPICS.entries()) positions.push({ topic, partition, offset: worker.durableOffsets[place] })
  }
  if (positions.length > 0) await group.commitPositions(positions)
}
