import { RiskError } from '@riskledger/contracts'
import type { PendingCall } from '@riskledger/testing'
import { breakAppend } from './append-faults'
import { ledgerUnavailable, logUnavailable, unknownOutcome } from './port-errors'
import type { SimulatedProcess } from './simulated-process'
import type { World } from './world'

/** Something that may happen next, and how likely it is among the others. */
export interface Step {
  readonly weight: number
  readonly run: () => void
}

/** Everything that can happen next without anything being broken. */
export function ordinarySteps(world: World): Step[] {
  const steps: Step[] = []
  const { calls, random } = world
  const heard = calls.pending.filter((call) => canHear(call) && (call.ready || isDue(world, call)))
  if (heard.length > 0) steps.push({ weight: 20, run: () => answer(world, random.pick(heard)) })
  const unheard = calls.pending.filter((call) => !canHear(call) && call.request.append !== undefined && !call.taken)
  if (unheard.length > 0) steps.push({ weight: 3, run: () => takeUnheard(world, random.pick(unheard)) })
  if (maySend(world)) steps.push({ weight: 5, run: () => publish(world) })
  const { lagging } = world.log
  if (lagging.size > 0) steps.push({ weight: 3, run: () => raise(world, random.pick([...lagging])) })
  if (world.truncated.size > 0) steps.push({ weight: 2, run: () => restore(world, random.pick([...world.truncated])) })
  if (world.ghosts.length > 0) steps.push({ weight: 3, run: () => world.landGhost() })
  const timers = calls.pending.filter((call) => canHear(call) && call.request.dueMs !== undefined)
  if (timers.length > 0) steps.push({ weight: heard.length === 0 ? 6 : 1, run: () => advance(world, timers) })
  for (const partition of world.closing ? [] : unattended(world)) steps.push({ weight: 4, run: () => void world.start(partition) })
  const paused = world.processes.filter((process) => process.alive && process.paused)
  if (paused.length > 0) steps.push({ weight: world.faulty ? 1 : 10, run: () => proceed(world, random.pick(paused)) })
  return steps
}

/** Answers a call as the port stands: an outage answers for it. */
function answer(world: World, call: PendingCall): void {
  const { kind, text } = call.request
  const process = call.request.caller as SimulatedProcess
  const outage = call.taken ? null : outageOf(world, call)
  if (outage !== null) {
    world.note(`${process.name}: ${text} -> ${outage.code}, an outage`)
    if (call.request.append === undefined) process.refusedBesides = outage.code
    call.refuse(outage)
    return
  }
  if (call.request.append !== undefined && !call.taken && world.appendBreaks()) {
    breakAppend(world, call)
    return
  }
  const error = call.answer()
  const code = error instanceof RiskError ? error.code : error === undefined ? 'answered' : 'an error'
  if (kind !== 'turn') world.note(`${process.name}: ${text} -> ${code}`)
  if (code === 'wrong-expected-revision' && process.worker !== null) process.fenced = true
}

/** True for a call whose caller is there to hear the answer. */
function canHear({ request }: PendingCall): boolean {
  const process = request.caller as SimulatedProcess
  return process.alive && !process.paused
}

function isDue(world: World, { request }: PendingCall): boolean {
  return request.dueMs !== undefined && request.dueMs <= world.clock.nowMs
}

function outageOf({ clock, ledgerDownUntilMs, logDownUntilMs, random }: World, { request }: PendingCall): RiskError | null {
  switch (request.kind) {
    case 'append':
      if (clock.nowMs >= ledgerDownUntilMs) return null
      return random.chance(500) ? unknownOutcome() : ledgerUnavailable()
    case 'read':
      return clock.nowMs < ledgerDownUntilMs ? ledgerUnavailable() : null
    case 'fetch':
    case 'range':
    case 'sources':
      return clock.nowMs < logDownUntilMs ? logUnavailable() : null
    case 'subscription':
    case 'changed':
    case 'save':
    case 'load':
    case 'sleep':
    case 'turn':
      return null
  }
}

/** The append of a process that is stopped arrives; it will hear of that when it goes on. */
function takeUnheard(world: World, call: PendingCall): void {
  call.take()
  world.note(`${call.request.caller.name}, stopped: its ${call.request.text} arrives`)
}

/** Live events come once the file's are in the journals: beside each other the two have no common time. */
function maySend(world: World): boolean {
  const { feed, published } = world
  if (published === feed.steps.length) return false
  const next = feed.steps[published]
  return feed.mode !== 'file-then-live' || next.kind === 'gap' || next.record.orderTimeMs !== undefined || world.drained
}

function publish(world: World): void {
  const { feed, log, random, clock } = world
  for (let left = random.between(1, 3); left > 0 && maySend(world); left--) {
    const step = feed.steps[world.published++]
    if (step.kind === 'gap') {
      log.skip(step, step.count, step.reason)
      world.note(`publish a gap of ${step.count} in ${step.topic}/${step.partition}: ${step.reason}`)
      continue
    }
    const { topic, partition, offset, brokerTimeMs, orderTimeMs } = log.publish(step.record)
    world.note(`publish ${topic}/${partition}@${offset}`)
    if (orderTimeMs === undefined) clock.nowMs = Math.max(clock.nowMs, brokerTimeMs)
    else announce(world, orderTimeMs)
    if (orderTimeMs !== undefined || random.chance(700)) log.raise(`${topic}/${partition}`)
  }
}

/** A file's progress comes in one transaction with its records. */
function announce({ feed, published, log }: World, orderTimeMs: number): void {
  const emissions = feed.steps.slice(0, published).filter(({ kind }) => kind === 'record').length
  const done = emissions === feed.fileRecords
  log.announce({ sourceId: 'f'.repeat(64), emissions, orderTimeMs, startedAtMs: 0, done })
}

function raise(world: World, place: string): void {
  world.log.raise(place)
  world.note(`the high watermark of ${place} rises to its end`)
}

/** An operator brings back what retention cut off. */
function restore(world: World, place: string): void {
  world.truncated.delete(place)
  world.log.cutBelow(place, 0)
  world.note(`${place} is restored`)
}

/** Time goes on to the next timer. */
function advance(world: World, timers: readonly PendingCall[]): void {
  let next = timers[0]
  for (const timer of timers) if (timer.request.dueMs! < next.request.dueMs!) next = timer
  world.clock.nowMs = Math.max(world.clock.nowMs, next.request.dueMs!)
  world.note(`time goes on; due: ${next.request.caller.name}: ${next.request.text}`)
  next.answer()
}

/** Partitions (and -1 for relations) for which no process runs that is not stopped. */
function unattended(world: World): readonly number[] {
  const missing: number[] = []
  for (let partition = -1; partition < world.feed.partitionCount; partition++) {
    if (!world.aliveOf(partition).some(({ paused }) => !paused)) missing.push(partition)
  }
  return missing
}

function proceed(world: World, process: SimulatedProcess): void {
  process.paused = false
  world.note(`continue ${process.name}`)
}
