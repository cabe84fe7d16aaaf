import type { Ledger } from '@riskledger/contracts'
import type { WorkerOptions } from '@riskledger/screener'
import type { PendingCalls, SimulatedLedger } from '@riskledger/testing'

/** A known error, put into the ports around product code. */
export interface Mutation {
  readonly name: string
  readonly ledger?: (calls: PendingCalls) => SimulatedLedger
  readonly worker?: (options: WorkerOptions) => WorkerOptions
  readonly relationsLedger?: (ledger: Ledger) => Ledger
}
