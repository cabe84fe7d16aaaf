import { startLedgerServer } from '@riskledger/ledger-server'
import { crashPointFrom, runThread } from '@riskledger/runtime'

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
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
  await server.close()
})
