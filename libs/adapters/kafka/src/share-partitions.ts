/** A member of a group, and what it says that it holds. */
export interface ClaimingMember {
  readonly memberId: string
  /** Partitions that it was given last. */
  readonly owned: readonly number[]
  /** Generation of the group in which it was given them; a member that was away claims what others have been given since. */
  readonly generation: number
}

/**
 * Shares the partitions `[0, partitionCount)` among the members: each to exactly one, numbers balanced to within one, and as few moves as that
 * allows. Where two claim the same, the later generation has it, then the lesser member id. The same members and claims give the same shares, in whatever
 * order they come.
 */
export function sharePartitions(members: readonly ClaimingMember[], partitionCount: number): ReadonlyMap<string, readonly number[]> {
  const shares = new Map<string, number[]>()
  if (members.length === 0) return shares
  const held = heldBy(members, partitionCount)
  const least = Math.floor(partitionCount / members.length)
  let oneMore = partitionCount % members.length
  const free = new Set(Array.from({ length: partitionCount }, (_, partition) => partition))
  // Who holds most keeps one more, as long as some may have one more.
  const byHeld = [...held].sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1))
  for (const [memberId, partitions] of byHeld) {
    const keeps = partitions.length > least && oneMore > 0 ? least + 1 : least
    if (partitions.length > least && oneMore > 0) oneMore--
    const kept = partitions.slice(0, keeps)
    for (const partition of kept) free.delete(partition)
    shares.set(memberId, kept)
  }
  const left = [...free]
  for (const [memberId] of byHeld) {
    const share = shares.get(memberId)!
    share.push(...left.splice(0, Math.max(0, least - share.length)))
  }
  for (const [memberId] of byHeld) {
    const share = shares.get(memberId)!
    if (share.length === least) share.push(...left.splice(0, 1))
    share.sort((a, b) => a - b)
  }
  return shares
}

/** What each member holds, after conflicting claims are settled, in order. */
function heldBy(members: readonly ClaimingMember[], partitionCount: number): ReadonlyMap<string, number[]> {
  const owners = new Map<number, ClaimingMember>()
  for (const member of members) {
    for (const partition of member.owned) {
      const other = owners.get(partition)
      const wins =
        other === undefined ||
        member.generation > other.generation ||
        (member.generation === other.generation && member.memberId < other.memberId)
      if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount && wins) owners.set(partition, member)
    }
  }
  const held = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]))
  for (const [partition, { memberId }] of owners) held.get(memberId)!.push(partition)
  for (const partitions of held.values()) partitions.sort((a, b) => a - b)
  return held
}
