import { strict as assert } from 'node:assert'
import { signalsOf, type Policy, type PolicySignal, type VerdictBands } from '@riskledger/policy'
import { compileAccess, type CompiledAccess } from './access-signals'
import { compileOperator, type CompiledOperator } from './account-operator-mismatch'
import { compileAmountDeviation, type CompiledAmountDeviation } from './amount-deviation'
import { compileCounterparty, type CompiledCounterparty } from './counterparty-reputation'
import { compileAlerts, type CompiledAlerts } from './external-alert'
import { compileLateNight, type CompiledLateNight } from './late-night-deviation'
import { compileLiveness, type CompiledLiveness } from './liveness'
import { MAX_COMBINATIONS, MAX_SIGNALS } from './score-card'
import { compileVelocity, type CompiledVelocity } from './velocity'

/** Signals that weigh more together: one of each row. */
export interface CompiledCombination {
  readonly name: string
  readonly rows: readonly Uint8Array[]
  readonly fromPoints: number
  readonly points: number
}

/** A policy made ready for `score`: tables instead of lists, numbers instead of names. */
export interface CompiledPolicy {
  /** A signal's number is its place here. */
  readonly signals: readonly PolicySignal[]
  readonly combinations: readonly CompiledCombination[]
  readonly bands: { readonly payments: VerdictBands; readonly logins: VerdictBands; readonly 'p2p-trades': VerdictBands }
  readonly velocity: CompiledVelocity
  readonly amount: CompiledAmountDeviation
  readonly lateNight: CompiledLateNight
  readonly counterparty: CompiledCounterparty
  readonly operator: CompiledOperator
  readonly alerts: CompiledAlerts
  readonly liveness: CompiledLiveness
  readonly access: CompiledAccess
}

const prepared = new WeakMap<Policy, CompiledPolicy>()

/** Prepares a policy, once: the partitions of a process share its tables. About ten milliseconds, most of it the table of Poisson tails. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const known = prepared.get(policy)
  if (known !== undefined) return known
  const compiled = compile(policy)
  prepared.set(policy, compiled)
  return compiled
}

function compile(policy: Policy): CompiledPolicy {
  const signals = signalsOf(policy.detectors)
  assert(signals.length <= MAX_SIGNALS && policy.combinations.length <= MAX_COMBINATIONS, 'a checked policy keeps its limits')
  const places = new Map(signals.map((signal, place) => [signal.code, place]))
  const codeOf = (code: string): number => {
    const place = places.get(code)
    assert(place !== undefined, `a checked policy has the signal ${code}`)
    return place
  }
  const { detectors, referenceCurrency } = policy
  return {
    signals,
    combinations: policy.combinations.map(({ name, oneOfEach, fromPoints, points }) => {
      return { name, rows: oneOfEach.map((row) => Uint8Array.from(row, codeOf)), fromPoints, points }
    }),
    bands: policy.bands,
    velocity: compileVelocity(detectors.velocity, codeOf, { currency: referenceCurrency, habitHalfLifeMs: policy.state.habitHalfLifeMs }),
    amount: compileAmountDeviation(detectors['amount-deviation'], codeOf, referenceCurrency),
    lateNight: compileLateNight(detectors['late-night-deviation'], codeOf),
    counterparty: compileCounterparty(detectors['counterparty-reputation'], codeOf),
    operator: compileOperator(detectors['account-operator-mismatch'], codeOf),
    alerts: compileAlerts(detectors['external-alert'], codeOf),
    liveness: compileLiveness(detectors.liveness, codeOf),
    access: compileAccess(detectors['access-signals'], codeOf),
  }
}
