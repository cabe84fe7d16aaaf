import { lowerPriority, runThread } from '@riskledger/runtime'
import { readState } from '@riskledger/screening'
import { acceptedPolicy } from './accepted-policy'

/** What the state hash thread is started with. */
export interface StateHashThreadInput {
  /** As `writeState` wrote it; moved to the thread. */
  readonly state: Uint8Array
  /** Canonical bytes of the policy that the state is under. */
  readonly policy: Uint8Array
}

/** Reads a state back and ends with its hash: a second or two for hundreds of MiB, for which its partition need not wait. */
runThread<StateHashThreadInput>(async ({ input, ready }) => {
  ready()
  lowerPriority()
  const policy = acceptedPolicy(input.policy)
  const state = readState(input.state, () => policy)
  if (state === null) throw new Error('the state is of another format')
  return Promise.resolve(state.step.stateHash())
})
