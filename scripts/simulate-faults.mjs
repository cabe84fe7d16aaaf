// npm run simulate-faults [-- --schedules N] [--minutes M] [--from SEED]: seeded schedules of faults over the worker loop, in virtual time.
// npm run simulate-faults -- --seed N: one of them again, step by step.
// Ends with 0 where every schedule held, 1 where one did not or a process of schedules ended early, 2 for arguments that it cannot read.
import { fork, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNodeVersion, installWhatIsMissing, root } from './install.mjs'

checkNodeVersion()
installWhatIsMissing()

const folder = join(root, 'e2e', 'src', 'simulate')
// Every schedule makes and drops a few megabytes: with a larger nursery they are never copied.
const nodeArguments = ['--max-semi-space-size=32', '--require', '@riskledger/runtime/register.cjs']
/** Processes at once; each has a core of its own. */
const MOST_PROCESSES = 8
/** Seeds that a process gets at a time. */
const CHUNK = 20
/** Failing seeds of which the problem is told as well. */
const MOST_TOLD = 10
/** Between two lines of progress. */
const PROGRESS_MS = 10_000

const options = readArguments()
process.exitCode = options.seed === undefined ? await runMany(options) : runOne(options.seed)

function runOne(seed) {
  const { status } = spawnSync(process.execPath, [...nodeArguments, join(folder, 'one-schedule-process.ts'), String(seed)], {
    stdio: 'inherit',
    cwd: root,
  })
  return status ?? 1
}

async function runMany({ schedules, minutes, from }) {
  const startedMs = performance.now()
  const untilMs = minutes === undefined ? Infinity : startedMs + minutes * 60_000
  const end = minutes !== undefined && schedules === undefined ? Infinity : from + (schedules ?? 10_000)
  const sum = { schedules: 0, steps: 0, faults: 0, inputs: 0, cpuMs: 0, leastSteps: Infinity, leastFaults: Infinity }
  const coverage = new Map()
  const failures = []
  let next = from
  const take = () => {
    if (next >= end || performance.now() >= untilMs) return null
    const range = { from: next, to: Math.min(next + CHUNK, end) }
    next = range.to
    return range
  }
  const add = (answer) => {
    for (const key of ['schedules', 'steps', 'faults', 'inputs', 'cpuMs']) sum[key] += answer.totals[key]
    for (const key of ['leastSteps', 'leastFaults']) sum[key] = Math.min(sum[key], answer.totals[key])
    for (const [name, count] of answer.coverage) coverage.set(name, (coverage.get(name) ?? 0) + count)
    failures.push(...answer.failures)
    for (const { seed } of answer.failures) console.log(`FAILED seed ${seed}`)
  }
  const progress = setInterval(() => {
    const rate = (sum.schedules / (performance.now() - startedMs)) * 1000
    const left = end === Infinity ? '' : ` of ${end - from}`
    console.log(`${sum.schedules}${left} schedules, ${rate.toFixed(0)} a second, ${failures.length} did not hold`)
  }, PROGRESS_MS)
  const cores = Math.max(1, Math.min(MOST_PROCESSES, availableParallelism()))
  const ends = await Promise.allSettled(Array.from({ length: cores }, () => work(take, add)))
  clearInterval(progress)
  for (const [name, count] of [...coverage].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${String(count).padStart(9)}  ${name}`)
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  console.log(
    `${sum.schedules} schedules (seeds ${from} to ${next - 1}), ${sum.steps} steps (at least ${sum.leastSteps} each), ${sum.faults} faults (at least ${sum.leastFaults} each), ${sum.inputs} things published, in ${seconds} s on ${cores} cores, ${(sum.cpuMs / Math.max(1, sum.schedules)).toFixed(1)} ms of CPU each`,
  )
  failures.sort((a, b) => a.seed - b.seed)
  for (const [index, { seed, problems }] of failures.entries()) {
    const problem = index < MOST_TOLD ? `: ${problems[0]}` : ''
    console.log(`FAILED seed ${seed}${problem}\n  again, step by step: npm run simulate-faults -- --seed ${seed}`)
  }
  const broken = ends.filter(({ status }) => status === 'rejected')
  for (const { reason } of broken) console.log(reason.message)
  if (failures.length > 0) console.log(`${failures.length} schedule(s) did not hold`)
  else if (broken.length === 0) console.log('every schedule held')
  return failures.length + broken.length === 0 ? 0 : 1
}

/** One process, given one range after another until there is none left. */
function work(take, add) {
  return new Promise((resolve, reject) => {
    const child = fork(join(folder, 'schedules-process.ts'), { execArgv: nodeArguments, cwd: root })
    let range = null
    const give = () => {
      range = take()
      if (range === null) child.disconnect()
      else child.send(range)
    }
    child.on('message', (answer) => {
      add(answer)
      give()
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0 && range === null) return resolve()
      const place = range === null ? 'after its last seed' : `within the seeds ${range.from} to ${range.to - 1}`
      reject(new Error(`a process of schedules ended with ${code ?? signal} ${place}`))
    })
    give()
  })
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { schedules: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' }, from: { type: 'string' } },
    })
    return {
      schedules: whole('schedules', values.schedules),
      minutes: whole('minutes', values.minutes),
      seed: whole('seed', values.seed),
      from: whole('from', values.from) ?? 1,
    }
  } catch (error) {
    console.error(`npm run simulate-faults: ${error.message}`)
    process.exit(2)
  }
}

function whole(name, text) {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is ${text}; it is a whole number from 1 to 999,999,999`)
  return Number(text)
}
