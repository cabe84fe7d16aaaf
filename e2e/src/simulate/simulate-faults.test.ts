import { FAULT_NAMES } from './faults'
import { APPEND_FAULT_NAMES } from './append-faults'
import { Coverage } from './coverage'
import { runSchedule, runScheduleOrTell } from './run-schedule'

/** Seeds that continuous integration runs; `npm run simulate-faults` runs ten thousand. */
const SCHEDULES = 300

test(`${SCHEDULES} seeded schedules of faults: every input once, every verdict as without faults, and every kind of fault among them`, async () => {
  const coverage = new Coverage()
  const failures: string[] = []
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { steps, faults, problems, coverage: covered } = await runScheduleOrTell(seed)
    if (problems.length === 0 && (steps < 50 || faults < 2)) failures.push(`seed ${seed}: no more than ${steps} steps and ${faults} faults`)
    if (problems.length > 0) failures.push(`npm run simulate-faults -- --seed ${seed}: ${problems[0]}`)
    coverage.add(covered)
  }
  expect(failures).toEqual([])
  for (const name of [...FAULT_NAMES, ...APPEND_FAULT_NAMES]) expect([name, coverage.of(`fault: ${name}`)]).not.toEqual([name, 0])
  for (const point of ['decoded', 'entry-encoded', 'ledger-append-sending', 'ledger-append-acknowledged', 'relations-append-sending']) {
    expect([point, coverage.of(`killed at ${point}`)]).not.toEqual([point, 0])
  }
  expect(coverage.of('state attested')).toBeGreaterThan(0)
  for (const verdict of ['allow', 'challenge', 'hold', 'block']) expect(coverage.of(`input screened, ${verdict}`)).toBeGreaterThan(0)
}, 300_000)

test('a schedule that throws is told with its seed', async () => {
  const broken = {
    get appendFaultPermille(): number {
      throw new Error('broken')
    },
  }
  const { seed, problems } = await runScheduleOrTell(7, broken)
  expect(seed).toBe(7)
  expect(problems).toEqual([expect.stringContaining('it threw: Error: broken')])
})

test('the same seed gives the same trace, byte for byte; another seed another', async () => {
  for (const seed of [3, 58, 216]) {
    const once = await runSchedule(seed)
    await runSchedule(seed + 1)
    const again = await runSchedule(seed)
    expect(again).toEqual(once)
    expect(once.trace.length).toBeGreaterThan(50)
  }
  expect((await runSchedule(3)).trace).not.toEqual((await runSchedule(4)).trace)
})
