import type { ChaosHouse } from './chaos-house'
import { checkHouse, proveHouse, type HouseCheck } from './check-house'
import { SeededChoice } from './seeded-choice'

/** Decides everything that is drawn; told at the start and in the words of every failure, and repeated with RISKLEDGER_CHAOS_SEED. */
export const SEED = Number(process.env.RISKLEDGER_CHAOS_SEED ?? Date.now() % 1_000_000)

/** For a machine on which much else runs; on a quiet one each takes a tenth of it. */
const LIMIT_MS = 300_000

/** Where a suite's house stands. */
export interface OpenedStage<Stage> {
  readonly house: ChaosHouse
  readonly stage: Stage
  readonly close: () => Promise<void>
}

/** A suite's house, or why there is none. */
interface ChaosSuiteOptions<Stage> {
  /** Why its tests are skipped, beginning with "skipped:", or null. */
  readonly skipped: string | null
  readonly open: () => Promise<OpenedStage<Stage>>
}

/** What a guarantee's test works with. */
interface GuaranteeContext<Stage> {
  readonly house: ChaosHouse
  readonly choice: SeededChoice
  /** What belongs to the suite besides its house. */
  readonly stage: Stage
  /** What the house was found to hold last. */
  readonly before: () => Promise<HouseCheck>
}

/** What a body returns that has something to say of the check after it. */
type AfterCheck = (check: HouseCheck) => void

/** Declares a test of something that is guaranteed. */
export type Guarantee<Stage> = (name: string, body: (context: GuaranteeContext<Stage>) => Promise<AfterCheck | void>) => void

/**
 * A house for the guarantees of a test file, which disturb it one after another: starting one takes longer than most faults. After each, every published
 * input must be in the journals once and published; at the end of all, `finish` folds them anew. What follows a failure says that it was not tried. Skipped
 * by name where there is a reason to.
 */
export function chaosSuite<Stage>({ skipped, open }: ChaosSuiteOptions<Stage>): {
  readonly guarantee: Guarantee<Stage>
  /** For what the house does not outlive, and what cannot be checked as the rest is. */
  readonly lastly: Guarantee<Stage>
  readonly finish: (name: string) => void
} {
  const skip = (name: string): void => test.skip(`${skipped}: ${name}`, () => undefined)
  if (skipped !== null) return { guarantee: skip, lastly: skip, finish: skip }
  let opening: Promise<OpenedStage<Stage>> | undefined
  let opened: OpenedStage<Stage> | undefined
  let failed: string | undefined
  let last: HouseCheck | undefined
  beforeAll(async () => {
    // At the start, for a run that is ended from outside tells nothing at its end.
    process.stderr.write(`RISKLEDGER_CHAOS_SEED=${SEED}\n`)
    opening = told(undefined, open)
    opened = await opening
  }, LIMIT_MS)
  afterAll(async () => {
    // What takes longer to open than the hook may is closed all the same; why it did not open, the hook has told.
    const stage = await opening?.catch(() => undefined)
    try {
      await stage?.house.close()
    } finally {
      await stage?.close()
    }
  }, LIMIT_MS)
  const run: Guarantee<Stage> = (name, body) => {
    test(
      name,
      async () => {
        if (opened === undefined || failed !== undefined) throw new Error(`not tried: before, ${failed ?? 'the house did not open'}`)
        const { house, stage } = opened
        failed = `"${name}" failed`
        const before = async (): Promise<HouseCheck> => (last ??= await checkHouse(house))
        await told(house, async () => {
          const after = await body({ house, stage, choice: new SeededChoice(SEED), before })
          if (after === undefined) return
          last = await checkHouse(house)
          after(last)
        })
        failed = undefined
      },
      LIMIT_MS,
    )
  }
  return {
    guarantee: (name, body) => run(name, async (context) => (await body(context)) ?? (() => undefined)),
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
