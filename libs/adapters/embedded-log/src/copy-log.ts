import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import { RiskError } from '@riskledger/contracts'
import { assertLogWhole } from './assert-log-whole'

/**
 * Writes a consistent copy of the log in `folder` to the folder `target`, which must not hold a log yet; the log may be in use meanwhile, and
 * what is appended after the start is not in the copy. Pages that are free are left out.
 * Errors: `not-found`, `data-folder-in-use` (the target holds a log), `log-corrupt`, `log-unavailable`; none is retriable.
 */
export async function copyLog(folder: string, target: string): Promise<void> {
  if (!existsSync(join(folder, 'data.mdb')))
    throw new RiskError('not-found', `There is no log in ${folder}. Restore it from a backup, or name another folder.`, {
      retriable: false,
      context: { folder },
    })
  if (existsSync(join(target, 'data.mdb')))
    throw new RiskError('data-folder-in-use', `The folder ${target} holds a log already; a copy needs a new folder.`, {
      retriable: false,
      context: { target },
    })
  assertLogWhole(folder)
  const database = open<Uint8Array, Uint8Array>({
    path: folder,
    noSubdir: false,
    readOnly: true,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
  try {
    await mkdir(target, { recursive: true })
    await database.backup(target, true)
  } catch (cause) {
    const message = `The log in ${folder} cannot be copied to ${target}: ${cause instanceof Error ? cause.message : String(cause)}. Check that the disk has room.`
    throw new RiskError('log-unavailable', message, { retriable: false, cause, context: { folder, target } })
  } finally {
    await database.close()
  }
}
