import fc from 'fast-check'
import { sharePartitions, type ClaimingMember } from './share-partitions'

const claims = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 9 }).chain((ids) =>
  fc.tuple(
    ...ids.map((memberId) =>
      fc.record({
        memberId: fc.constant(memberId),
        owned: fc.array(fc.integer({ min: -2, max: 40 })),
        generation: fc.integer({ min: -1, max: 3 }),
      }),
    ),
  ),
)
const sizesOf = (shares: ReadonlyMap<string, readonly number[]>): number[] => [...shares.values()].map(({ length }) => length)

test('each partition goes to exactly one, balanced to within one, whatever is claimed', () => {
  fc.assert(
    fc.property(claims, fc.integer({ min: 0, max: 40 }), (members, partitionCount) => {
      const shares = sharePartitions(members, partitionCount)
      expect([...shares.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort())
      if (members.length === 0) return
      expect([...shares.values()].flat().sort((a, b) => a - b)).toEqual(Array.from({ length: partitionCount }, (_, partition) => partition))
      expect(Math.max(...sizesOf(shares)) - Math.min(...sizesOf(shares))).toBeLessThanOrEqual(1)
    }),
  )
})

test('the order of the members does not matter', () => {
  fc.assert(
    fc.property(claims, fc.integer({ min: 0, max: 40 }), (members, partitionCount) => {
      const forwards = new Map(sharePartitions(members, partitionCount))
      expect(new Map(sharePartitions([...members].reverse(), partitionCount))).toEqual(forwards)
    }),
  )
})

test('as members join and leave, nobody gets a partition that could have stayed where it was', () => {
  const step = fc.oneof(fc.record({ join: fc.nat(20) }), fc.record({ leave: fc.nat(20) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 32 }), (steps, partitionCount) => {
      let shares: ReadonlyMap<string, readonly number[]> = new Map([['m0', Array.from({ length: partitionCount }, (_, p) => p)]])
      let generation = 0
      for (const change of steps) {
        const members: ClaimingMember[] = [...shares].map(([memberId, owned]) => ({ memberId, owned, generation }))
        if ('join' in change) {
          if (shares.has(`m${change.join}`)) continue
          members.push({ memberId: `m${change.join}`, owned: [], generation: -1 })
        } else if (members.length > 1) members.splice(change.leave % members.length, 1)
        const next = sharePartitions(members, partitionCount)
        generation++
        const largest = Math.ceil(partitionCount / members.length)
        let stayed = 0
        for (const { memberId, owned } of members) {
          const kept = owned.filter((partition) => next.get(memberId)!.includes(partition)).length
          stayed += kept
          // Whoever lost one has as many as anybody may have or the least.
          if (kept < owned.length) expect(next.get(memberId)!.length).toBe(kept)
          expect(kept).toBeLessThanOrEqual(largest)
        }
        const least = Math.floor(partitionCount / members.length)
        const withOneMore = partitionCount % members.length
        const most = members
          .map(({ owned }) => owned.length)
          .sort((a, b) => b - a)
          .reduce((sum, held, i) => sum + Math.min(held, i < withOneMore ? least + 1 : least), 0)
        expect(stayed).toBe(most)
        shares = next
      }
    }),
  )
})

test('who was away claims less than who was given the partition since', () => {
  const shares = sharePartitions(
    [
      { memberId: 'a-zombie', owned: [0, 1], generation: 4 },
      { memberId: 'b', owned: [0, 1], generation: 6 },
      { memberId: 'c', owned: [2, 3], generation: 6 },
      { memberId: 'd', owned: [4, 5], generation: 6 },
    ],
    8,
  )
  expect(shares.get('b')).toEqual([0, 1])
  expect(shares.get('a-zombie')).toEqual([6, 7])
})
