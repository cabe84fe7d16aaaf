import { MUTATIONS } from './mutations'
import { runSchedule } from './run-schedule'

/** Seeds within which a known error must be found. */
const SEEDS = 200

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  'finds %s',
  async (_name, mutation) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems } = await runSchedule(seed, { mutation, appendFaultPermille: 300 })
      if (problems.length > 0) return
    }
    throw new Error(`${SEEDS} seeds did not find it`)
  },
  120_000,
)
