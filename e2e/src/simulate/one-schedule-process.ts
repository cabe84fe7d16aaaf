import { runSchedule } from './run-schedule'

/** Prints one schedule step by step, and what is wrong with it: `node ... one-schedule-process.ts <seed>`. */
async function main(): Promise<void> {
  const result = await runSchedule(Number(process.argv[2]))
  for (const line of result.trace) console.log(line)
  console.log(`seed ${result.seed}: ${result.steps} steps, ${result.faults} faults, ${result.problems.length} problem(s)`)
  for (const problem of result.problems) console.log(`  ${problem}`)
  process.exitCode = result.problems.length === 0 ? 0 : 1
}

void main()
