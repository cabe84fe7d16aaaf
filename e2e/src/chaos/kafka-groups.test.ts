import { findTestBroker } from '@riskledger/dev-broker'
import { ChaosHouse } from './chaos-house'
import { chaosSuite, SEED } from './chaos-suite'
import { holdZombie } from './faults/hold-zombie'
import { moveCommittedOffsets } from './faults/move-committed-offsets'
import { stormOfRebalances } from './faults/storm-of-rebalances'

const { guarantee, finish } = chaosSuite(async () => {
  const broker = await findTestBroker()
  if (broker.kind === 'skipped') return broker
  const { brokers, close } = broker
  try {
    const house = await ChaosHouse.open({ brokers, seed: SEED, partitionCount: 4, screeners: 1, recordsPerSecond: 450 })
    return { kind: 'opened', house, stage: undefined, close }
  } catch (error) {
    await close()
    throw error
  }
})

guarantee(
  'workers that join a group and leave it under load, killed or in order, lose and repeat nothing',
  async ({ house, choice, check }) => {
    const before = (await check()).journal.tenures.length
    await stormOfRebalances(house, choice)
    // Partitions have changed hands, which is what was to be survived.
    expect((await check()).journal.tenures.length).toBeGreaterThan(before + 4)
  },
)

guarantee(
  'a worker that is held past its session and let go on, a zombie, has lost its partitions and sends nothing that counts',
  async ({ house, choice, check }) => {
    const before = (await check()).journal.tenures.length
    const { lost } = await holdZombie(house, choice)
    const tenures = (await check()).journal.tenures.slice()
    expect(tenures.length).toBeGreaterThan(before)
    for (const partition of lost) {
      const of = tenures.filter((tenure) => tenure.partition === partition)
      expect(new Set(of.map(({ workerId }) => workerId)).size).toBeGreaterThan(1)
    }
  },
)

guarantee('committed offsets that are moved ahead, moved behind or wiped change nothing: the journal decides', ({ house, choice }) =>
  moveCommittedOffsets(house, choice),
)

finish('after all of it, the journals fold to what they record, and their chains are whole')
