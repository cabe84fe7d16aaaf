import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { lockDataFolder, LOCK_FOLDER } from '@riskledger/runtime'

/** Where the demo plays unless a folder is named. */
export const DEMO_FOLDER = join('.riskledger', 'demo')
/** Marks a folder as the demo's own. */
const DEMO_MARK = 'demo.json'

/**
 * Empties the demo's folder, under its lock: the demo is made anew at each start. A folder that `named` says a person chose must be missing, empty or
 * the demo's own; else it is left as it is and `configuration-invalid` says so. `data-folder-in-use` where another process has it.
 */
export async function clearDemoFolder(folder: string, options: { readonly command: string; readonly named: boolean }): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (options.named) await refuseStrangers(folder)
  const lock = await lockDataFolder(folder, { command: options.command })
  try {
    for (const name of await readdir(folder)) {
      if (name !== LOCK_FOLDER) await rm(join(folder, name), { recursive: true, force: true })
    }
  } finally {
    await lock.release()
  }
}

/** Says of a folder that the demo may empty it at its next start. */
export async function markDemoFolder(folder: string, content: object): Promise<void> {
  await writeFile(join(folder, DEMO_MARK), `${JSON.stringify(content)}\n`)
}

async function refuseStrangers(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name !== LOCK_FOLDER)
  if (names.length === 0 || names.includes(DEMO_MARK)) return
  throw new RiskError(
    'configuration-invalid',
    `${folder} holds ${names[0]} and is not the demo's. The demo makes its folder anew at each start, so it takes only an empty folder or its own: choose another with --data-dir.`,
    { retriable: false, context: { folder } },
  )
}
