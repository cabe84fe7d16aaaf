import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { ChaosHouse } from './chaos-house'
import { checkHouse, proveHouse } from './check-house'
import { startDevCluster, type DevCluster } from './dev-cluster'
import { drawFault } from './draw-fault'
import { SeededChoice } from './seeded-choice'

/** Rounds that a house lives for: its journals are read whole after each. */
const ROUNDS_OF_A_HOUSE = 6

/** What a run came to. */
interface Tally {
  rounds: number
  houses: number
  inputs: number
  receipts: number
  repeatedMessages: number
  tenures: number
  readonly faults: Map<string, number>
}

/** The long random run: `node ... chaos-process.ts --minutes 30 --seed 7`, with `--nodes 1` or `3` on such a cluster alone. Exits with 1 where something did not hold. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, nodes: { type: 'string' } } })
  const seed = Number(values.seed)
  const clusters: readonly (1 | 3)[] = values.nodes === undefined ? [3, 1] : [values.nodes === '3' ? 3 : 1]
  const minutes = Number(values.minutes) / clusters.length
  for (const nodes of clusters) await liveOn({ nodes, minutes, seed })
}

/** Houses on one cluster, one after another until the time is over; one round at least. */
async function liveOn({ nodes, minutes, seed }: { readonly nodes: 1 | 3; readonly minutes: number; readonly seed: number }): Promise<void> {
  const tally: Tally = { rounds: 0, houses: 0, inputs: 0, receipts: 0, repeatedMessages: 0, tenures: 0, faults: new Map() }
  console.log(`chaos: seed ${seed}, ${minutes} minutes, ${nodes} broker(s), ${cpus().length} cores`)
  const cluster = await startDevCluster(nodes)
  const untilMs = performance.now() + minutes * 60_000
  try {
    const choice = new SeededChoice(seed)
    while (tally.rounds === 0 || performance.now() < untilMs)
      await liveIn({ cluster, choice, nodes, untilMs, tally, seed: seed + tally.houses * 10_000 })
  } finally {
    await cluster.close()
    for (const [name, count] of [...tally.faults].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${String(count).padStart(9)}  ${name}`)
    console.log(
      `${tally.rounds} rounds in ${tally.houses} houses held: ${tally.inputs} inputs once each, ${tally.receipts} receipts, ${tally.tenures} tenures, ${tally.repeatedMessages} verdicts told again`,
    )
  }
}

/** One house, for some rounds: a drawn fault, then everything is checked. */
async function liveIn(options: {
  readonly cluster: DevCluster
  readonly choice: SeededChoice
  readonly nodes: 1 | 3
  readonly untilMs: number
  readonly tally: Tally
  readonly seed: number
}): Promise<void> {
  const { cluster, choice, nodes, untilMs, tally, seed } = options
  const screeners = choice.one([['0-1', '2-3'], ['0-3'], 1, 2] as const)
  const { brokers, proxiedBrokers: serviceBrokers } = cluster
  const house = await ChaosHouse.open({
    brokers,
    serviceBrokers,
    seed,
    partitionCount: 4,
    screeners,
    recordsPerSecond: 450,
    replication: nodes,
  })
  tally.houses++
  try {
    let held = { inputs: 0, receipts: 0, repeatedMessages: 0, tenures: 0 }
    for (let round = 0; round < ROUNDS_OF_A_HOUSE && (tally.rounds === 0 || performance.now() < untilMs); round++) {
      const { name, happen } = drawFault({ house, choice, cluster })
      const startedMs = performance.now()
      try {
        const says = (await happen()) ?? ''
        await house.startWhatIsDown()
        const { journal, verdicts, receipts } = await checkHouse(house)
        const now = { inputs: journal.inputs.length, receipts, repeatedMessages: verdicts.repeated, tenures: journal.tenures.length }
        for (const key of ['inputs', 'receipts', 'repeatedMessages', 'tenures'] as const) tally[key] += now[key] - held[key]
        held = now
        console.log(
          `${name}: held, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s, ${now.inputs} inputs${says === '' ? '' : `; ${says}`}`,
        )
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
      }
      tally.rounds++
      tally.faults.set(name, (tally.faults.get(name) ?? 0) + 1)
    }
    await proveHouse(house)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${house.said()}`, { cause: error })
  } finally {
    await house.close()
  }
}

main().catch((error: unknown) => {
  console.log(`FAILED: ${(error as Error).message}`)
  process.exitCode = 1
})
