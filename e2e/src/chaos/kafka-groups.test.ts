import { whyNoBroker } from '@riskledger/dev-broker'
import type { SeenTenure } from './check-journal'
import { chaosSuite, SEED } from './chaos-suite'
import { openOnTestBroker } from './open-on-test-broker'
import { holdZombie } from './faults/hold-zombie'
import { moveCommittedOffsets } from './faults/move-committed-offsets'
import { stormOfRebalances } from './faults/storm-of-rebalances'

const { guarantee, finish } = chaosSuite({
  skipped: whyNoBroker(),
  open: () => openOnTestBroker({ seed: SEED, partitionCount: 4, screeners: 1, recordsPerSecond: 200 }),
})

guarantee(
  'workers that join a group and leave it under load, killed or in order, lose and repeat nothing',
  async ({ house, choice, before }) => {
    const tenuresBefore = (await before()).journal.tenures.length
    await stormOfRebalances(house, choice)
    // Partitions have changed hands, which is what was to be survived.
    return ({ journal }) => expect(journal.tenures.length).toBeGreaterThan(tenuresBefore + 4)
  },
)

guarantee(
  'a worker that is held with an append on its way and let go on past its session, a zombie, is refused by the journal and sends nothing that counts',
  async ({ house, choice, before }) => {
    const generationsBefore = generations((await before()).journal.tenures)
    const lost = await holdZombie(house, choice)
    expect(lost).not.toEqual([])
    return ({ journal }) => {
      const now = generations(journal.tenures)
      // Its own tenure, and that of whoever took the partition from it.
      for (const partition of lost) expect(now.get(partition)).toBeGreaterThanOrEqual(generationsBefore.get(partition)! + 2)
    }
  },
)

guarantee('committed offsets that are moved ahead, moved behind or wiped change nothing: the journal decides', ({ house, choice }) =>
  moveCommittedOffsets(house, choice),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')

/** The newest generation of each partition. */
function generations(tenures: readonly SeenTenure[]): ReadonlyMap<number, number> {
  return new Map(tenures.map(({ partition, generation }) => [partition, generation]))
}
