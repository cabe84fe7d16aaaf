import { RiskError } from '@riskledger/contracts'
import { createLogger, createMetrics, openEventLog, type SharedEventLog } from '@riskledger/runtime'
import type { House } from './open-house'

/**
 * The log of a house, to append to. Throws `configuration-invalid` where the ledger is elsewhere and no cluster was named: an embedded log belongs to the
 * process that serves its ledger.
 */
export async function openLogToWrite({ log, isElsewhere, folder }: House): Promise<SharedEventLog> {
  if (isElsewhere && log.kind === 'embedded')
    throw new RiskError('configuration-invalid', 'Beside a ledger elsewhere, name the cluster that takes the event with --kafka.', {
      retriable: false,
    })
  const quiet = { logger: createLogger({ name: 'log', level: 'warn' }), metrics: createMetrics() }
  return openEventLog(log, { partitionCount: folder.partitions, access: 'write', ...quiet })
}
