import { openKafkaPublisher, openPublishedTail, type KafkaConnection } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { crashPointFrom, createLogger, createMetrics, runThread, serveHealth, type HealthAddress, type Loop } from '@riskledger/runtime'
import { openPositionFiles } from './dispatch-position'
import { runDispatcher } from './run-dispatcher'
import { tellReadiness } from './tell-readiness'

/** What the dispatcher thread is started with. */
export interface DispatcherThreadInput {
  readonly connection: KafkaConnection
  readonly connectionString: string
  readonly partitionCount: number
  readonly environment: string
  /** Folder of its positions. */
  readonly positionsFolder: string
  /** Where to tell of health and metrics; null: nowhere. */
  readonly health: HealthAddress | null
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

runThread<DispatcherThreadInput>(async ({ input, signal, ready }) => {
  const logger = createLogger({ name: 'dispatcher', level: input.logLevel })
  const metrics = createMetrics()
  const ledger = await connectLedger({ connectionString: input.connectionString, signal })
  // Whatever fails, nothing may stay open: the thread ends only once its connections have.
  const opened: { close(): Promise<void> }[] = [ledger]
  try {
    const publisher = await openKafkaPublisher({ connection: input.connection, logger })
    opened.push(publisher)
    const tail = openPublishedTail({ connection: input.connection, logger })
    opened.push(tail)
    const loops = new Map<number, Pick<Loop, 'retrying'>>()
    const { partitionCount } = input
    const partitions = (): Promise<string> => Promise.resolve(tellReadiness({ loops, partitionCount, nowMs: performance.now() }))
    if (input.health !== null) opened.push(await serveHealth({ ...input.health, checks: { partitions }, metrics }))
    ready()
    await runDispatcher({
      ...input,
      ledger,
      publisher,
      tail,
      positions: openPositionFiles(input.positionsFolder, { logger }),
      nowMs: () => Date.now(),
      crashPoint: crashPointFrom(input.crashAt),
      onStart: (partition, loop) => void loops.set(partition, loop),
      signal,
      logger,
      metrics,
    })
  } finally {
    await Promise.allSettled(opened.map((one) => one.close()))
  }
})
