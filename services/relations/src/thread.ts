import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
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
  const metrics = createMetrics()
  // Whatever fails, nothing may stay open: the thread ends only once its connections have, and nobody hears why before.
  const opened: { close(): Promise<void> }[] = []
  try {
    const ledger = await connectLedger({ connectionString: input.connectionString, signal })
    opened.push(ledger)
    const snapshots = openSnapshotStore({
      folder: input.cacheFolder,
      onDamaged: (damage) => logger.warn('a damaged snapshot is left out', damage),
    })
    opened.push(snapshots)
    if (input.health !== null) opened.push(await serveHealth({ ...input.health, checks: { ledger: () => answers(ledger) }, metrics }))
    ready()
    await runRelations({
      ...input,
      codeHash: createHash('sha256').update(readFileSync(__filename)).digest('hex'),
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
    await Promise.allSettled(opened.map((one) => one.close()))
  }
})

async function answers(ledger: Ledger): Promise<string> {
  for await (const { stream } of ledger.readAll({ streamPrefixes: [''] })) return `answers, its first stream is ${stream}`
  return 'answers'
}
