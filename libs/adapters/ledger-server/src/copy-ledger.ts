import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { open } from 'lmdb'
import { assertLedgerWhole } from './assert-ledger-whole'

const DATA_FILE = 'data.mdb'

/**
 * Writes a consistent copy of the ledger in `folder` to the folder `target`, which must not hold a ledger yet; the ledger may be in use meanwhile, and
 * what is appended after the start is not in the copy. Pages that are free are left out.
 * Errors: `not-found`, `data-folder-in-use` (the target holds a ledger), `ledger-corrupt`, `ledger-unavailable`; none is retriable.
 */
export async function copyLedger(folder: string, target: string): Promise<void> {
  if (!existsSync(join(folder, DATA_FILE)))
    throw new RiskError('not-found', `There is no ledger in ${folder}. Restore it from a backup, or name another folder.`, {
      retriable: false,
      context: { folder },
    })
  if (existsSync(join(target, DATA_FILE))) {
    throw new RiskError('data-folder-in-use', `The folder ${target} holds a ledger already; a copy needs a new folder.`, {
      retriable: false,
      context: { target },
    })
  }
  assertLedgerWhole(folder, { readOnly: true })
  const store = open({ path: folder, noSubdir: false, readOnly: true })
  try {
    await mkdir(target, { recursive: true })
    await store.backup(target, true)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RiskError(
      'ledger-unavailable',
      `The ledger in ${folder} cannot be copied to ${target}: ${reason}. Check that the disk has room.`,
      {
        retriable: false,
        cause,
        context: { folder, target },
      },
    )
  } finally {
    await store.close()
  }
}
