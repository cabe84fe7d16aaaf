import * as fs from 'node:fs'
import { join } from 'node:path'
import { findStoreDamage, RiskError } from '@riskledger/contracts'

/** Throws `log-corrupt` where the log's file was cut short or its header overwritten: LMDB would end the process by a signal. */
export function assertLogWhole(folder: string): void {
  const file = join(folder, 'data.mdb')
  // Commits of the log are flushed one by one, so LMDB goes by the newest header however it is opened.
  const damage = findStoreDamage(file, { fs, readOnly: true })
  if (damage === null) return
  throw new RiskError('log-corrupt', `The log's file ${file} ${damage}. Restore the data folder from a backup (riskledger backup).`, {
    retriable: false,
    context: { file },
  })
}
