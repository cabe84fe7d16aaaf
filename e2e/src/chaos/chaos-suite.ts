import type { ChaosHouse } from './chaos-house'
import { checkHouse, proveHouse, type HouseCheck } from './check-house'
import { SeededChoice } from './seeded-choice'

/** Decides everything that is drawn; in the words of every failure, and repeated with RISKLEDGER_CHAOS_SEED. */
export const SEED = Number(process.env.RISKLEDGER_CHAOS_SEED ?? Date.now() % 1_000_000)

/** Where a suite's house stands. */
export type OpenedStage<Stage> =
  | { readonly kind: 'opened'; readonly house: ChaosHouse; readonly stage: Stage; readonly close: () => Promise<void> }
  | { readonly kind: 'skipped'; readonly reason: string }

/** What a guarantee's test works with. */
export interface GuaranteeContext<Stage> {
  readonly house: ChaosHouse
  readonly choice: SeededChoice
  /** What belongs to the suite besides its house. */
  readonly stage: Stage
  /** Holds the house to its promises, as is done at the end too. */
  check(): Promise<HouseCheck>
}

/** Declares a test of something that is guaranteed. */
export type Guarantee<Stage> = (name: string, body: (context: GuaranteeContext<Stage>) => Promise<unknown>) => void

/**
 * A house for the guarantees of a test file, which disturb it one after another: starting one takes longer than most faults. After each, every published
 * input must be in the journals once and published; at the end of all, `finish` folds them anew. What follows a failure says that it was not tried. Skipped
 * by name where there is no broker.
 */
export function chaosSuite<Stage>(open: () => Promise<OpenedStage<Stage>>): {
  readonly guarantee: Guarantee<Stage>
  /** For what the house does not outlive, and what cannot be checked as the rest is. */
  readonly lastly: Guarantee<Stage>
  readonly finish: (name: string) => void
} {
  let opened: OpenedStage<Stage> | undefined
  let failed: string | undefined
  beforeAll(async () => {
    opened = await told(undefined, open)
  })
  afterAll(async () => {
    if (opened?.kind !== 'opened') return
    try {
      await opened.house.close()
    } finally {
      await opened.close()
    }
  })
  const run: Guarantee<Stage> = (name, body) => {
    test(name, async () => {
      if (opened === undefined || failed !== undefined) throw new Error(`not tried: before, ${failed ?? 'the house did not open'}`)
      if (opened.kind === 'skipped') return void process.stderr.write(`${name}: ${opened.reason}\n`)
      const { house, stage } = opened
      failed = `"${name}" failed`
      await told(house, () => body({ house, stage, choice: new SeededChoice(SEED), check: () => checkHouse(house) }))
      failed = undefined
    })
  }
  return {
    guarantee: (name, body) =>
      run(name, async (context) => {
        await body(context)
        await context.check()
      }),
    lastly: run,
    finish: (name) => run(name, ({ house }) => proveHouse(house)),
  }
}

/** With the seed and what the processes said in its failure. */
async function told<Result>(house: ChaosHouse | undefined, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body()
  } catch (error) {
    throw new Error(`RISKLEDGER_CHAOS_SEED=${SEED}: ${(error as Error).message}\n${house?.said() ?? ''}`, { cause: error })
  }
}
