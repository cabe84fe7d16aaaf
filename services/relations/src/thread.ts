import { connectLedger } from '@riskledger/ledger'
import { crashPointFrom, createLogger, runThread } from '@riskledger/runtime'
import { runRelations, type RelationsOptions } from './relations-worker'

/** What the relations thread is started with. */
export interface RelationsThreadInput {
  readonly connectionString: string
  readonly partitionCount: number
  readonly environment: string
  readonly engineHash: string
  readonly epochMs: number
  readonly state: RelationsOptions['state']
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

runThread<RelationsThreadInput>(async ({ input, signal, ready }) => {
  const ledger = await connectLedger({ connectionString: input.connectionString })
  ready()
  try {
    await runRelations({
      ...input,
      ledger,
      signal,
      crashPoint: crashPointFrom(input.crashAt),
      logger: createLogger({ name: 'relations', level: input.logLevel }),
    })
  } finally {
    await ledger.close()
  }
})
