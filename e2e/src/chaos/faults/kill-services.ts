import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

/** Kills each process in turn, in an order and at moments that are drawn, then all of them at once; each is started again at once. */
export async function killServices(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  for (const process of choice.shuffled(running(house))) {
    await house.pass(choice.whole(50, 400))
    await process.kill()
    await house.startWhatIsDown()
  }
  await killAtOnce(house, choice)
}

/** Kills everything at one drawn moment and starts it again. */
export async function killAtOnce(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  await house.pass(choice.whole(50, 400))
  await Promise.all(running(house).map((process) => process.kill()))
  await house.startWhatIsDown()
  await house.pass(300)
}

function running(house: ChaosHouse): readonly ChaosHouse['ledger'][] {
  return [house.ledger, house.relations, house.gateway, house.dispatcher, ...house.screeners]
}
