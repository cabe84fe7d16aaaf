import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

const FENCED = /was written by another worker|another worker took the partition over/

/** Orders a second screener onto the partitions of one that works. The older must end as fenced, and the newer work on. */
export async function orderSecondScreener(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  const older = choice.one(house.screeners)
  const partitions = older.args[older.args.indexOf('--partitions') + 1]
  await house.pass(choice.whole(100, 400))
  if (!older.isRunning) throw new Error('the screener that was to be fenced did not run')
  const saidBefore = older.stderr.length
  const newer = house.addScreener(partitions)
  house.removeScreener(older)
  await newer.start().ready
  await house.pass(300)
  const { code, signal } = await older.whenEnded()
  if (code !== 1 || !FENCED.test(older.stderr.slice(Math.min(saidBefore, older.stderr.length - 1_000))))
    throw new Error(`the older screener ended with ${String(code ?? signal)}, not as fenced: ${older.stderr}`)
  if (!newer.isRunning) throw new Error(`the newer screener ended: ${newer.stderr}`)
}
