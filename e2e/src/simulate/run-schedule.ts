import { RiskError } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import { Random } from '@riskledger/simulation'
import { checkWorld } from './check-world'
import { FAULT_NAMES, FAULTS, mendAll, type FaultName } from './faults'
import type { Mutation } from './mutations'
import { ordinarySteps } from './ordinary-steps'
import { planFeed } from './plan-feed'
import { smallPolicies } from './small-policies'
import type { SimulatedProcess } from './simulated-process'
import { World } from './world'

/** What came of a schedule. */
export interface ScheduleResult {
  readonly seed: number
  readonly steps: number
  readonly faults: number
  readonly inputs: number
  /** What was found wrong; empty for a schedule that held. */
  readonly problems: readonly string[]
  /** One line for each thing that happened. */
  readonly trace: readonly string[]
  readonly coverage: readonly (readonly [string, number])[]
}

/** How a schedule is run. */
export interface ScheduleOptions {
  /** A known error put into a port. Default none. */
  readonly mutation?: Mutation
  /** How often in a thousand something goes wrong with an append. Default: the seed says. */
  readonly appendFaultPermille?: number
}

/** Steps and faults of a schedule at least. */
const LEAST_STEPS = 50
const LEAST_FAULTS = 2
/** Steps within which a mended world comes to quiet; far more than any needs. */
const MOST_STEPS_TO_QUIET = 20_000

let policies: readonly AcceptedPolicy[] | undefined

/**
 * Runs the schedule that a seed stands for: a world of workers over ports that fail, then the same world mended and let run to quiet, then
 * the checks of what its journals hold. The same seed gives the same trace byte for byte. One at a time in a process.
 */
export async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<ScheduleResult> {
  policies ??= smallPolicies()
  const random = new Random(seed)
  const mode = (['live', 'file', 'file-then-live'] as const)[random.weighted([5, 3, 3])]
  const feed = planFeed(random, { mode, partitionCount: random.chance(400) ? 2 : 1, records: random.between(12, 26) })
  const world = new World({
    random,
    feed,
    policies,
    crashPointPermille: random.pick([0, 5, 30]),
    appendFaultPermille: options.appendFaultPermille ?? random.pick([0, 50, 150, 300]),
    mutation: options.mutation ?? null,
  })
  world.note(`seed ${seed}: ${mode}, ${feed.partitionCount} partition(s), ${feed.steps.length} things to publish`)
  const release = catchUnhandled(world)
  try {
    await breakThings(world)
    mendAll(world)
    await runToQuiet(world)
    if (world.problems.length === 0) await checkWorld(world)
  } finally {
    release()
  }
  const { steps, faults, problems, trace, coverage, published } = world
  coverage.count(`feed: ${mode}`)
  return { seed, steps, faults, inputs: published, problems, trace, coverage: coverage.entries() }
}

/** As `runSchedule`, for those who run many: one that throws has that as its problem, so that its seed is told and the others are run. */
export async function runScheduleOrTell(seed: number, options: ScheduleOptions = {}): Promise<ScheduleResult> {
  try {
    return await runSchedule(seed, options)
  } catch (error) {
    return { seed, steps: 0, faults: 0, inputs: 0, problems: [`it threw: ${describe(error)}`], trace: [], coverage: [] }
  }
}

async function breakThings(world: World): Promise<void> {
  const { random } = world
  const steps = random.between(LEAST_STEPS, 180)
  const faultPermille = random.pick([30, 80, 160])
  // Not everything at once: what a schedule leaves whole lets it come to places that the rest would keep it from (Groce et al., 2012).
  const enabled = FAULT_NAMES.filter(() => random.chance(500))
  const offered: readonly FaultName[] = enabled.length === 0 ? FAULT_NAMES : enabled
  let switches = world.feed.mode === 'file' ? 0 : random.below(3)
  while ((world.steps < steps || world.faults < LEAST_FAULTS) && world.problems.length === 0) {
    world.steps++
    if (random.chance(faultPermille)) breakOne(world, world.steps > 2 * steps ? 'crash' : random.pick(offered))
    else if (switches > 0 && random.chance(15)) switches -= Number(switchPolicy(world))
    else takeStep(world)
    await settle()
    watchEnds(world)
  }
}

function breakOne(world: World, name: FaultName): void {
  if (!FAULTS[name](world)) return
  world.faults++
  world.coverage.count(`fault: ${name}`)
}

function takeStep(world: World): void {
  const steps = ordinarySteps(world)
  if (steps.length === 0) return
  steps[world.random.weighted(steps.map(({ weight }) => weight))].run()
}

function switchPolicy(world: World): boolean {
  const workers = world.processes.filter(({ alive, worker, paused }) => alive && worker !== null && !paused)
  if (workers.length === 0) return false
  const process = world.random.pick(workers)
  const policy = world.random.pick(world.policies)
  world.note(`${process.name} is told to switch to ${policy.policy.name}`)
  world.coverage.count('policy switch')
  process.worker!.activate(policy)
  return true
}

/** Nothing breaks any more: everything published must come into the journals, and everybody must be able to stop. */
async function runToQuiet(world: World): Promise<void> {
  await stepUntil(world, () => isQuiet(world))
  world.closing = true
  for (const process of world.processes) if (process.alive) process.stop()
  await settle()
  watchEnds(world)
  await stepUntil(world, () => world.processes.every(({ alive }) => !alive))
}

async function stepUntil(world: World, done: () => boolean): Promise<void> {
  for (let step = 0; !done(); step++) {
    if (world.problems.length > 0) return
    if (step === MOST_STEPS_TO_QUIET) {
      world.problem(`not quiet after ${MOST_STEPS_TO_QUIET} steps without faults`)
      return
    }
    world.steps++
    takeStep(world)
    await settle()
    watchEnds(world)
  }
}

function isQuiet(world: World): boolean {
  const { feed, calls } = world
  if (world.published < feed.steps.length || world.ghosts.length > 0) return false
  if (calls.pending.some(({ request, ready }) => request.append !== undefined || (request.kind === 'subscription' && ready))) return false
  // Who sleeps is about to send again what it does not know the outcome of: a batch of a tick alone, behind which nobody sees an input missing.
  if (calls.pending.some(({ request }) => request.kind === 'sleep')) return false
  if (world.processes.some(({ alive, paused, state }) => (alive && paused) || state === 'starting')) return false
  const following = calls.pending.some(
    ({ request }) => request.kind === 'subscription' && (request.caller as SimulatedProcess).kind === 'relations',
  )
  return following && world.drained
}

/** Codes with which a process may end by itself while things are broken, besides `stopped`. */
const MAY_END_WITH: ReadonlySet<string> = new Set([
  'stopped',
  'fenced',
  'ledger-unavailable',
  'log-unavailable',
  'append-outcome-unknown',
  'limit-reached',
  'disk-full',
])

/** Looks at how processes ended: each end must have had its cause. */
function watchEnds(world: World): void {
  for (const process of world.processes) {
    const { end } = process
    if (end === null || process.judged) continue
    process.judged = true
    if (end.code === 'offset-out-of-range' && world.coverage.of('fault: log truncated') > 0) continue
    if (!MAY_END_WITH.has(end.code)) world.problem(`${process.name} ended with ${end.code}: ${describe(end.error)}`)
    if (end.code === 'fenced' && process.kind === 'screener' && world.tenantOf(process.partition) === process.name) {
      world.problem(`${process.name} ended as fenced, and holds the newest tenure`)
    }
    // Of two reasons to end it may name either.
    if (process.fenced && end.code !== 'fenced' && end.code !== process.refusedBesides)
      world.problem(`${process.name} was fenced and ended with ${end.code}: ${describe(end.error)}`)
  }
}

function describe(error: unknown): string {
  if (error instanceof RiskError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Lets everything happen that needs no answer from a port. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A promise that breaks and that nobody awaits ends a real process: here it ends the schedule. */
function catchUnhandled(world: World): () => void {
  const onRejection = (error: unknown): void => world.problem(`a rejection that nobody handles: ${describe(error)}`)
  process.on('unhandledRejection', onRejection)
  return () => void process.off('unhandledRejection', onRejection)
}
