import { startLedgerServer } from '@riskledger/ledger-server'
import { aborted, crashPointFrom, runThread } from '@riskledger/runtime'

/** What the ledger thread is started with. */
export interface LedgerThreadInput {
  readonly folder: string
  readonly port: number
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
}

runThread<LedgerThreadInput>(async ({ input, signal, ready }) => {
  const server = await startLedgerServer({ folder: input.folder, port: input.port, crashPoint: crashPointFrom(input.crashAt) })
  ready({ connectionString: server.connectionString })
  await aborted(signal)
  await server.close()
})
