import type { Ledger } from '@riskledger/contracts'
import { connectLedger } from '@riskledger/ledger'
import { crashPointFrom, createLogger, createMetrics, runThread, serveHealth, type HealthAddress } from '@riskledger/runtime'
import { openSnapshotStore } from '@riskledger/snapshots'
import { runRelations, type RelationsOptions } from './run-relations'

/** What the relations thread is started with. */
export interface RelationsThreadInput {
  readonly connectionString: string
  readonly partitionCount: number
  readonly environment: string
  readonly engineHash: string
  readonly epochMs: number
  readonly state: RelationsOptions['state']
  /** Folder of the snapshot store. */
  readonly cacheFolder: string
  readonly snapshotPace: RelationsOptions['snapshotPace']
  /** Where to tell of health and metrics; null: nowhere. */
  readonly health: HealthAddress | null
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

runThread<RelationsThreadInput>(async ({ input, signal, ready }) => {
  const logger = createLogger({ name: 'relations', level: input.logLevel })
  // A folder that cannot be written is told of before anything is begun.
  const snapshots = openSnapshotStore({
    folder: input.cacheFolder,
    onDamaged: (damage) => logger.warn('a damaged snapshot is left out', damage),
  })
  const ledger = await connectLedger({ connectionString: input.connectionString })
  const metrics = createMetrics()
  const health = input.health === null ? null : await serveHealth({ ...input.health, checks: { ledger: () => answers(ledger) }, metrics })
  ready()
  try {
    await runRelations({
      ...input,
      ledger,
      snapshots,
      nowMs: Date.now,
      signal,
      onEntry: ({ stream, revision }) => metrics.gauge('riskledger_relations_revision', revision, { stream }),
      crashPoint: crashPointFrom(input.crashAt),
      logger,
      metrics,
    })
  } finally {
    await health?.close()
    // After the save that is under way.
    await snapshots.close()
    await ledger.close()
  }
})

async function answers(ledger: Ledger): Promise<string> {
  for await (const { stream } of ledger.readAll({ streamPrefixes: [''] })) return `answers, its first stream is ${stream}`
  return 'answers'
}
