import type { House } from './open-house'
import { openLogToRead } from './open-log-to-read'

/** How many events were taken of imports that have not ended; 0 where every import has. */
export async function unfinishedImports(house: House): Promise<number> {
  const log = await openLogToRead(house)
  if (log === null) return 0
  try {
    return (await log.sources()).filter((source) => !source.done).reduce((sum, source) => sum + source.emissions, 0)
  } finally {
    await log.close()
  }
}
