import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import type { House } from './open-house'

/** How many events were taken of imports that have not ended; 0 where every import has. */
export async function unfinishedImports(house: House): Promise<number> {
  const folder = join(house.dataDir, 'log')
  if (!existsSync(folder)) return 0
  const log = openEmbeddedLog({ folder, partitionCount: house.folder.partitions, readOnly: true })
  try {
    return (await log.sources()).filter((source) => !source.done).reduce((sum, source) => sum + source.emissions, 0)
  } finally {
    await log.close()
  }
}
