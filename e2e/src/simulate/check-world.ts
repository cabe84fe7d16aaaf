import { checkFolds } from './check-folds'
import { readJournal, type ReadJournal } from './check-journal'
import { checkRelations } from './check-relations'
import type { World } from './world'

/** Holds what a schedule left behind to everything that must always hold; what does not is told to the world as a problem. */
export async function checkWorld(world: World): Promise<void> {
  const journals: ReadJournal[] = []
  for (let partition = 0; partition < world.feed.partitionCount; partition++) {
    const journal = readJournal(world, partition)
    if (journal === null) continue
    journals.push(journal)
    checkFolds(world, journal)
  }
  await checkRelations(world, journals)
}
