import { RiskError, type EventLog } from '@riskledger/contracts'
import { createLogger, createMetrics, openEventLog } from '@riskledger/runtime'
import type { House } from './open-house'

/** The log of a house, to look at; null where the folder has none yet. Close it when done. */
export async function openLogToRead({ log, folder }: House): Promise<EventLog | null> {
  try {
    const quiet = { logger: createLogger({ name: 'log', level: 'silent' }), metrics: createMetrics() }
    return await openEventLog(log, { partitionCount: folder.partitions, access: 'read', ...quiet })
  } catch (error) {
    if (error instanceof RiskError && error.code === 'not-found') return null
    throw error
  }
}
