import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

const LIMIT_MS = 60_000
const TOLD_LOST = /another worker took a partition that is assigned here|was written by another worker/

/** What came of a screener that was held. */
export interface Zombie {
  /** Partitions that others took while it was held. */
  readonly lost: readonly number[]
  /** Whether it met the journal's refusal itself; else its group told it first. */
  readonly wasRefused: boolean
}

/**
 * Holds a screener under load past its session, until others have all its partitions and have gone on with them, then lets it go on: a zombie, with fetched
 * records and an append before it. Throws where it did not lose what it had.
 */
export async function holdZombie(house: ChaosHouse, choice: SeededChoice): Promise<Zombie> {
  const zombie = house.addScreener()
  await zombie.start().ready
  await zombie.until(({ assigned }) => assigned.length > 0, { timeoutMs: LIMIT_MS, what: 'given a partition' })
  await house.pass(choice.whole(100, 500))
  const lost = zombie.assigned
  if (lost.length === 0) throw new Error('the zombie had lost its partitions before it was held')
  const saidBefore = zombie.stderr.length
  zombie.signal('SIGSTOP')
  const others = house.screeners.filter((screener) => screener !== zombie)
  const deadlineMs = performance.now() + LIMIT_MS
  while (!lost.every((partition) => others.some(({ assigned }) => assigned.includes(partition)))) {
    if (performance.now() > deadlineMs) throw new Error(`nobody took partitions ${lost.join(', ')} of a screener that is held`)
    await house.pass(50)
  }
  await house.pass(300)
  zombie.signal('SIGCONT')
  await house.pass(600)
  return { lost, wasRefused: TOLD_LOST.test(zombie.stderr.slice(saidBefore)) }
}
