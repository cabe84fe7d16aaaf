import kafkajs, { type Cluster, type GroupMember } from 'kafkajs'
import { coPartitionedAssigner } from './co-partitioned-assigner'

const topics = ['raw.payments', 'raw.logins']
const assignerOf = (
  part: {
    readonly topics?: readonly string[]
    readonly partitionCount?: number
    readonly owned?: readonly number[]
    readonly clusterCount?: number
  } = {},
) => {
  const cluster = { findTopicPartitionMetadata: () => Array.from({ length: part.clusterCount ?? 4 }) } as unknown as Cluster
  const options = { topics, partitionCount: 4, claim: () => ({ owned: part.owned ?? [], generation: 1 }), ...part }
  return coPartitionedAssigner(options)({ cluster, groupId: 'g', logger: undefined as never })
}
const member = (memberId: string, part: Parameters<typeof assignerOf>[0] = {}): GroupMember => ({
  memberId,
  memberMetadata: assignerOf(part).protocol({ topics: [] }).metadata,
})
const assign = (members: GroupMember[], part: Parameters<typeof assignerOf>[0] = {}) =>
  (async () => assignerOf(part).assign({ members, topics }))()

test('a partition of all topics goes to one member, and who holds it keeps it', async () => {
  const shares = await assign([member('a'), member('b', { owned: [0, 3] })])
  const decoded = shares.map(({ memberId, memberAssignment }) => [
    memberId,
    kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)!.assignment,
  ])
  expect(Object.fromEntries(decoded)).toEqual({
    a: { 'raw.payments': [1, 2], 'raw.logins': [1, 2] },
    b: { 'raw.payments': [0, 3], 'raw.logins': [0, 3] },
  })
})

test('a member too many gets nothing', async () => {
  const shares = await assign(['a', 'b', 'c', 'd', 'e'].map((id) => member(id)))
  expect(
    shares.filter(
      ({ memberAssignment }) => Object.keys(kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)!.assignment).length === 0,
    ),
  ).toHaveLength(1)
})

test.each<[string, GroupMember[], Parameters<typeof assignerOf>[0]]>([
  ['other topics', [member('a'), member('b', { topics: ['raw.payments'] })], {}],
  ['expects 5 partitions', [member('b', { partitionCount: 5 })], {}],
  [
    'no screener',
    [{ memberId: 'x', memberMetadata: kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.from('?') }) }],
    {},
  ],
  ['has 3 partitions', [member('a')], { clusterCount: 3 }],
])('unequal views are refused by name: %s', async (_, members, part) => {
  await expect(assign(members, part)).rejects.toMatchObject({ code: 'configuration-invalid', retriable: false })
})
