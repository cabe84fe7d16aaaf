import kafkajs, { type Assigner, type Cluster, type GroupMember, type GroupMemberAssignment, type PartitionAssigner } from 'kafkajs'
import { RiskError } from '@riskledger/contracts'
import { decodeGroupClaim, encodeGroupClaim, type GroupClaim } from './group-claim'
import { sharePartitions, type ClaimingMember } from './share-partitions'

export interface CoPartitionedAssignerOptions {
  /** Every topic, by its name on Kafka. */
  readonly topics: readonly string[]
  readonly partitionCount: number
  /** What this member holds at the time it is asked. */
  readonly claim: () => Pick<GroupClaim, 'owned' | 'generation'>
}

/**
 * Gives partition *p* of all topics to one member, balanced to within one, and moves as little as that allows. Every member runs it, and the one that
 * leads the group decides for all. It refuses (`configuration-invalid`, which ends the leader) members that want other topics or another number of
 * partitions than it does, and a cluster whose topics have another number: shares made from unequal views would leave partitions to nobody.
 */
export function coPartitionedAssigner(options: CoPartitionedAssignerOptions): PartitionAssigner {
  const { topics, partitionCount, claim } = options
  return ({ cluster }): Assigner => ({
    name: 'riskledger-co-partitioned-1',
    version: 1,
    protocol: () => ({
      name: 'riskledger-co-partitioned-1',
      metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
        version: 1,
        topics: [...topics],
        userData: encodeGroupClaim({ partitionCount, ...claim() }),
      }),
    }),
    assign: ({ members }) => {
      assertClusterFits(cluster, { topics, partitionCount })
      return Promise.resolve(assignmentsOf(members, { topics, partitionCount }))
    },
  })
}

interface Expected {
  readonly topics: readonly string[]
  readonly partitionCount: number
}

function assignmentsOf(members: readonly GroupMember[], expected: Expected): GroupMemberAssignment[] {
  const claiming = members.map((member) => claimOf(member, expected))
  const shares = sharePartitions(claiming, expected.partitionCount)
  return [...shares].map(([memberId, partitions]) => ({
    memberId,
    memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
      version: 1,
      assignment: partitions.length === 0 ? {} : Object.fromEntries(expected.topics.map((topic) => [topic, [...partitions]])),
      userData: Buffer.alloc(0),
    }),
  }))
}

function claimOf({ memberId, memberMetadata }: GroupMember, expected: Expected): ClaimingMember {
  const metadata = kafkajs.AssignerProtocol.MemberMetadata.decode(memberMetadata)
  const claim = metadata === null ? null : decodeGroupClaim(metadata.userData)
  if (metadata === null || claim === null) throw refused(`member ${memberId} is no screener of this version.`, { memberId })
  if ([...metadata.topics].sort().join() !== [...expected.topics].sort().join())
    throw refused(`member ${memberId} reads ${metadata.topics.join(', ')}, this one ${expected.topics.join(', ')}.`, { memberId })
  if (claim.partitionCount !== expected.partitionCount)
    throw refused(`member ${memberId} expects ${claim.partitionCount} partitions, this one ${expected.partitionCount}.`, { memberId })
  return { memberId, owned: claim.owned, generation: claim.generation }
}

function assertClusterFits(cluster: Cluster, { topics, partitionCount }: Expected): void {
  for (const topic of topics) {
    const found = cluster.findTopicPartitionMetadata(topic).length
    if (found !== partitionCount) throw refused(`topic ${topic} has ${found} partitions, and ${partitionCount} are expected.`, { topic })
  }
}

function refused(what: string, context: RiskError['context']): RiskError {
  return new RiskError(
    'configuration-invalid',
    `The screeners' group cannot share the partitions: ${what} All members must be started with the same topics and number of partitions.`,
    { retriable: false, context },
  )
}
