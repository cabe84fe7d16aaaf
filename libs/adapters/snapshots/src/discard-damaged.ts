import * as fs from 'node:fs'
import { join } from 'node:path'
import { findStoreDamage } from '@riskledger/contracts'

/**
 * Throws a cache's file away that was cut short or whose header was overwritten, so that it is built anew instead of ending the process by a signal;
 * gives what was wrong with it, or null. An empty file is left alone: another thread may be about to fill it, and LMDB takes it for a new one.
 */
export function discardDamaged(folder: string): string | null {
  const file = join(folder, 'data.mdb')
  if (!fs.existsSync(file) || fs.statSync(file).size === 0) return null
  const damage = findStoreDamage(file, { fs, readOnly: false })
  if (damage === null) return null
  for (const name of [file, join(folder, 'lock.mdb')]) fs.rmSync(name, { force: true })
  return `${file} ${damage}. It is a cache: it was thrown away and is built anew.`
}
