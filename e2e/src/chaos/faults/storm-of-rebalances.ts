import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

const ROUNDS = 4
const ASSIGNED_LIMIT_MS = 45_000

/** Lets workers join the group and leave it again under load, killed or in order, as soon as they have been given a partition. */
export async function stormOfRebalances(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const visitor = house.addScreener()
    house.removeScreener(visitor)
    await visitor.start().ready
    await visitor.until(({ assigned }) => assigned.length > 0, { timeoutMs: ASSIGNED_LIMIT_MS, what: 'given a partition' })
    await house.pass(choice.whole(0, 500))
    if (choice.whole(0, 1) === 0) await visitor.kill()
    else {
      const { code, signal } = await visitor.end('SIGTERM')
      if (code !== 0) throw new Error(`a screener that was to leave in order ended with ${String(code ?? signal)}: ${visitor.stderr}`)
    }
  }
}
