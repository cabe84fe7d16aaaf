import * as fs from 'node:fs'
import { join } from 'node:path'
import { findStoreDamage, RiskError } from '@riskledger/contracts'

/** Throws `ledger-corrupt` where the ledger's file was cut short or its header overwritten: LMDB would end the process by a signal. */
export function assertLedgerWhole(folder: string, { readOnly }: { readonly readOnly: boolean }): void {
  const file = join(folder, 'data.mdb')
  const damage = findStoreDamage(file, { fs, readOnly })
  if (damage === null) return
  throw new RiskError('ledger-corrupt', `The ledger's file ${file} ${damage}. Restore the data folder from a backup (riskledger backup).`, {
    retriable: false,
    context: { file },
  })
}
