import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

const LIMIT_MS = 60_000
/** Longer than any zombie is held: what is delayed by it is let go by hand. */
const HELD_BACK_MS = 600_000
const TOLD_LOST = /another worker took a partition that is assigned here|was written by another worker/g

/**
 * Holds a screener under load past its session, until others have all its partitions and have gone on with them, then lets it go on: a zombie, with fetched
 * records and an append on its way, which a proxy has kept from the ledger. Returns the partitions that others took. Throws where it did not lose what it
 * had, or did not meet the journal's refusal.
 */
export async function holdZombie(house: ChaosHouse, choice: SeededChoice): Promise<readonly number[]> {
  const { screener: zombie, proxy } = await house.addProxiedScreener()
  await zombie.start().ready
  await zombie.until(({ assigned }) => assigned.length > 0, { timeoutMs: LIMIT_MS, what: 'given a partition' })
  await house.pass(choice.whole(100, 500))
  try {
    proxy.set({ kind: 'delay', delayMs: HELD_BACK_MS })
    // So many that every partition gets some: what the zombie makes of its own is then in the proxy.
    await house.pass(choice.whole(200, 400))
    if (proxy.disturbed === 0) throw new Error('the zombie sent the ledger nothing before it was held')
    const lost = zombie.assigned
    if (lost.length === 0) throw new Error('the zombie had lost its partitions before it was held')
    const saidBefore = refusals(zombie.stderr)
    zombie.signal('SIGSTOP')
    await untilTaken(house, { lost, others: house.screeners.filter((screener) => screener !== zombie) })
    await house.pass(300)
    proxy.set({ kind: 'forward' })
    zombie.signal('SIGCONT')
    await zombie.until(({ stderr }) => refusals(stderr) > saidBefore, { timeoutMs: LIMIT_MS, what: 'refused by the journal' })
    await house.pass(600)
    return lost
  } finally {
    proxy.set({ kind: 'forward' })
    zombie.signal('SIGCONT')
  }
}

async function untilTaken(
  house: ChaosHouse,
  { lost, others }: { readonly lost: readonly number[]; readonly others: ChaosHouse['screeners'] },
): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS
  while (!lost.every((partition) => others.some(({ assigned }) => assigned.includes(partition)))) {
    if (performance.now() > deadlineMs) throw new Error(`nobody took partitions ${lost.join(', ')} of a screener that is held`)
    await house.pass(50)
  }
}

function refusals(stderr: string): number {
  return [...stderr.matchAll(TOLD_LOST)].length
}
