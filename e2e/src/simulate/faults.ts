import { RAW_TOPICS, RiskError } from '@riskledger/contracts'
import type { CallKind, PendingCall } from '@riskledger/testing'
import { refuse } from './append-faults'
import { ledgerUnavailable, logUnavailable } from './port-errors'
import type { SimulatedProcess } from './simulated-process'
import type { World } from './world'

/** Breaks something; false where there is nothing of the kind to break now. */
type Fault = (world: World) => boolean

/** Everything that can be broken between two steps; what can go wrong with an append is in `append-faults`. */
export const FAULTS = {
  /** `kill -9` of any process. */
  crash: (world) => crash(world, alive(world)),
  /** Every process at once. */
  'crash of all': (world) => {
    const all = alive(world)
    for (const process of all) world.kill(process, 'with all others')
    return all.length > 1
  },
  /** A process stops (SIGSTOP) and goes on much later: a zombie with what it holds. */
  pause: (world) =>
    choose(
      world,
      alive(world).filter(({ paused }) => !paused),
      (process) => {
        process.paused = true
        world.note(`STOP ${process.name}`)
      },
    ),
  /** A second process takes over what another holds. */
  rival: (world) =>
    choose(world, alive(world), (process) => {
      if (world.processes.length < MOST_PROCESSES) world.start(process.partition)
    }),
  'ledger outage': (world) => {
    world.ledgerDownUntilMs = world.clock.nowMs + world.random.between(50, 2_000)
    world.note('LEDGER DOWN')
    return true
  },
  'log outage': (world) => {
    world.logDownUntilMs = world.clock.nowMs + world.random.between(50, 2_000)
    world.note('LOG DOWN')
    return true
  },
  'read failed': (world) => choose(world, pendingOf(world, 'read'), (call) => refuse(world, call, ledgerUnavailable())),
  'fetch failed': (world) => choose(world, pendingOf(world, 'fetch'), (call) => refuse(world, call, logUnavailable())),
  'subscription cut': (world) => choose(world, pendingOf(world, 'subscription'), (call) => refuse(world, call, ledgerUnavailable())),
  'snapshot not saved': (world) => choose(world, pendingOf(world, 'save'), (call) => refuse(world, call, diskFull())),
  'snapshots lost': (world) => spoil(world, 'LOST', () => []),
  'snapshots stale': (world) => spoil(world, 'STALE', (kept) => kept.slice(1)),
  'snapshots of another journal': (world) =>
    spoil(world, 'FOREIGN', (kept) => kept.map((snapshot) => ({ ...snapshot, entryHash: '0'.repeat(64) }))),
  'snapshots of other code': (world) =>
    spoil(world, 'OTHER CODE', (kept) =>
      kept.map((snapshot) => ({ ...snapshot, state: Buffer.concat([Uint8Array.of(0), snapshot.state.subarray(1)]) })),
    ),
  'log truncated': truncate,
  'clock jump': (world) => {
    const host = world.random.pick(world.hosts)
    host.skewMs = world.random.between(-3_600_000, 3_600_000)
    world.note(`CLOCK of host ${world.hosts.indexOf(host)} jumps to ${host.skewMs} ms off`)
    return true
  },
} as const satisfies Readonly<Record<string, Fault>>

/** Name of something that can be broken. */
export type FaultName = keyof typeof FAULTS

/** All of them. */
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[]

/** Processes in one schedule at most, rivals included. */
const MOST_PROCESSES = 40

/** Puts back what faults left broken, so that the schedule can come to an end. */
export function mendAll(world: World): void {
  world.faulty = false
  world.ledgerDownUntilMs = 0
  world.logDownUntilMs = 0
  for (const place of world.truncated) world.log.cutBelow(place, 0)
  world.truncated.clear()
  world.note('everything is mended; run to quiet')
}

function alive(world: World): readonly SimulatedProcess[] {
  return world.processes.filter((process) => process.alive)
}

/** Calls of this kind that have not taken effect and whose caller hears what becomes of them. */
function pendingOf(world: World, kind: CallKind): readonly PendingCall[] {
  return world.calls.pending.filter(
    (call) => call.request.kind === kind && !call.taken && !(call.request.caller as SimulatedProcess).paused,
  )
}

function choose<T>(world: World, from: readonly T[], act: (chosen: T) => void): boolean {
  if (from.length === 0) return false
  act(world.random.pick(from))
  return true
}

function crash(world: World, victims: readonly SimulatedProcess[]): boolean {
  return choose(world, victims, (process) => {
    const call = world.calls.pending.find(({ request, taken }) => request.caller === process && !taken)
    const during = call === undefined ? 'at work' : `during ${placeOf(call)}`
    world.coverage.count(`killed ${process.kind} ${during}`)
    world.kill(process, during)
  })
}

/** What a call is about, without the numbers. */
function placeOf({ request }: PendingCall): string {
  const { kind, append, text } = request
  if (append !== undefined) return `append of ${append.entries[0].type}`
  return kind === 'read' ? `read of ${text.split(' ')[1].split(/[-@]/)[0]}` : kind
}

function spoil(world: World, how: string, keep: Parameters<World['hosts'][number]['snapshots']['spoil']>[0]): boolean {
  return choose(
    world,
    world.hosts.filter(({ snapshots }) => snapshots.count > 0),
    (host) => {
      host.snapshots.spoil(keep)
      world.note(`snapshots of host ${world.hosts.indexOf(host)} ${how}`)
    },
  )
}

/** Retention cuts a topic, sometimes below what the journal holds already, which nobody notices, sometimes beyond. */
function truncate(world: World): boolean {
  const { random, log, feed } = world
  const partition = random.below(feed.partitionCount)
  const topics = RAW_TOPICS.filter((topic) => log.endOf(topic, partition) > 0)
  return choose(world, topics, (topic) => {
    const offset = random.between(1, log.endOf(topic, partition))
    log.cutBelow(`${topic}/${partition}`, offset)
    world.truncated.add(`${topic}/${partition}`)
    world.note(`TRUNCATED ${topic}/${partition} below ${offset}`)
  })
}

function diskFull(): RiskError {
  return new RiskError('disk-full', 'no space is left for snapshots', { retriable: false })
}
