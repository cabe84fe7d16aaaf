import type { RiskError } from '@riskledger/contracts'
import type { PendingCall } from '@riskledger/testing'
import { ledgerUnavailable, unknownOutcome } from './port-errors'
import type { SimulatedProcess } from './simulated-process'
import type { World } from './world'

/** What can go wrong with an append that is on its way. */
const APPEND_FAULTS: Readonly<Record<string, (world: World, call: PendingCall) => void>> = {
  'append refused, ledger unavailable': (world, call) => refuse(world, call, ledgerUnavailable()),
  'append lost on its way': (world, call) => refuse(world, call, unknownOutcome()),
  'append landed, answer lost': (world, call) => {
    call.take()
    refuse(world, call, unknownOutcome())
  },
  'append delayed beyond its time-out': (world, call) => {
    world.ghosts.push(call.request.append!)
    refuse(world, call, unknownOutcome())
  },
  'append landed, answer slow': (world, call) => {
    call.take()
    world.note(`${call.request.caller.name}: ${call.request.text} lands, its answer is SLOW`)
  },
  'crash while appending': (world, call) => kill(world, call),
  'crash while the answer is on its way': (world, call) => {
    call.take()
    kill(world, call)
  },
}

/** Names of everything that can go wrong with an append. */
export const APPEND_FAULT_NAMES: readonly string[] = Object.keys(APPEND_FAULTS)

/** Something goes wrong with an append that would have been answered now. */
export function breakAppend(world: World, call: PendingCall): void {
  const name = world.random.pick(APPEND_FAULT_NAMES)
  world.faults++
  world.coverage.count(`fault: ${name}`)
  world.coverage.count(`fault at append of ${call.request.append!.entries[0].type}`)
  APPEND_FAULTS[name](world, call)
}

/** The caller is told an error in place of an answer. */
export function refuse(world: World, call: PendingCall, error: RiskError): void {
  world.note(`${call.request.caller.name}: ${call.request.text} -> FAULT ${error.code}${call.taken ? ', though it landed' : ''}`)
  if (call.request.append === undefined) (call.request.caller as SimulatedProcess).refusedBesides = error.code
  call.refuse(error)
}

function kill(world: World, call: PendingCall): void {
  world.kill(call.request.caller as SimulatedProcess, `during ${call.request.text}${call.taken ? ', which landed' : ''}`)
}
