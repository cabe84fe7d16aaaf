import { runScheduleOrTell } from './run-schedule'

/** What the parent asks for: the schedules of these seeds, `[from, to)`. */
export interface SeedRange {
  readonly from: number
  readonly to: number
}

/** Runs schedules for `scripts/simulate-faults.mjs`, one after another: this process is one of several, each with a core of its own. */
process.on('message', (range: SeedRange) => void runRange(range))

async function runRange({ from, to }: SeedRange): Promise<void> {
  const totals = { schedules: 0, steps: 0, faults: 0, inputs: 0, cpuMs: 0, leastSteps: Infinity, leastFaults: Infinity }
  const cpuBefore = process.cpuUsage()
  const failures: { readonly seed: number; readonly problems: readonly string[] }[] = []
  const coverage: (readonly [string, number])[] = []
  for (let seed = from; seed < to; seed++) {
    const result = await runScheduleOrTell(seed)
    totals.schedules++
    totals.steps += result.steps
    totals.faults += result.faults
    totals.inputs += result.inputs
    totals.leastSteps = Math.min(totals.leastSteps, result.steps)
    totals.leastFaults = Math.min(totals.leastFaults, result.faults)
    coverage.push(...result.coverage)
    if (result.problems.length > 0) failures.push({ seed, problems: result.problems })
  }
  const { user, system } = process.cpuUsage(cpuBefore)
  totals.cpuMs = (user + system) / 1000
  process.send!({ totals, failures, coverage })
}
