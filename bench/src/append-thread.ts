import { startLedgerServer } from '@riskledger/ledger-server'
import { aborted, runThread } from '@riskledger/runtime'

/** What the thread of the append bench is started with. */
export interface AppendThreadInput {
  readonly folder: string
}

/** Serves an embedded ledger as the product does: in a thread of its own, durable. */
runThread<AppendThreadInput>(async ({ input, signal, ready }) => {
  const server = await startLedgerServer({ folder: input.folder, port: 0 })
  ready({ connectionString: server.connectionString })
  await aborted(signal)
  await server.close()
})
