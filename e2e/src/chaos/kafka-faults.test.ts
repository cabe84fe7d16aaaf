import { whyNoBroker } from '@riskledger/dev-broker'
import { readJournals, readTruth } from './check-house'
import type { JournalCheck, SeenPosition } from './check-journal'
import { chaosSuite, SEED } from './chaos-suite'
import { openOnTestBroker } from './open-on-test-broker'
import { disturbConnections } from './faults/disturb-connections'
import { floodWithBadRecords } from './faults/flood-with-bad-records'
import { killServices } from './faults/kill-services'
import { orderSecondScreener } from './faults/order-second-screener'
import { publishTransactions } from './faults/publish-transactions'
import { truncatePayments } from './faults/truncate-topic'
import { measureFlood } from './measure-flood'

const { guarantee, finish, lastly } = chaosSuite({
  skipped: whyNoBroker(),
  open: () => openOnTestBroker({ seed: SEED, partitionCount: 4, screeners: ['0-1', '2-3'], recordsPerSecond: 200 }),
})

guarantee(
  'kill -9 of ledger server, screeners, relations, gateway and dispatcher, one at a time and all at once, loses and repeats nothing',
  ({ house, choice }) => killServices(house, choice),
)

guarantee(
  'replies that are dropped, messages that are cut, delays and refusals between the services and the ledger lose and repeat nothing',
  ({ house, choice }) => disturbConnections(house, { proxy: house.ledgerProxy, choice }),
)

guarantee('of two screeners that are ordered onto one partition, the newer works and the older ends as fenced', ({ house, choice }) =>
  orderSecondScreener(house, choice),
)

guarantee(
  'transactions are taken when they are committed and left out when they are aborted, their offsets named as gaps',
  async ({ house, before }) => {
    const gapsBefore = (await before()).journal.gapOffsets
    const aborted = await publishTransactions(house)
    // Besides the records, a marker for each partition of each transaction.
    return ({ journal }) => expect(journal.gapOffsets - gapsBefore).toBeGreaterThan(aborted)
  },
)

guarantee(
  'a flood of bad records is quarantined with reasons, and no good record beside it is lost, refused or kept waiting until it is over',
  async ({ house, choice }) => {
    const flood = await floodWithBadRecords(house, choice)
    return ({ journal }) => {
      const { faults, good, mostOvertaken, bad } = measureFlood(journal.inputs, flood)
      expect(faults).toEqual([])
      expect(good).toBeGreaterThan(0)
      // Bad ones that bear an older date may go before good ones of other topics, as far as they were fetched together.
      expect(mostOvertaken).toBeLessThan(bad / 2)
    }
  },
)

finish('after all of it, the journals fold to what they record, and their chains are whole')

// Last of all: what it takes from the topic, the journals can no longer be held against.
lastly('a topic that was truncated past the position stops the screeners with a named error, and nothing is skipped', async ({ house }) => {
  await Promise.all(house.screeners.map((screener) => screener.end('SIGTERM')))
  await house.pass(600)
  await house.pause()
  const truth = await readTruth(house)
  const before = await readJournals(house, truth)
  expect(before.faults).toEqual([])
  expect(before.missing).toBeGreaterThan(0)
  expect(payments(before)).toHaveLength(house.options.partitionCount)
  await truncatePayments(house)
  for (const screener of house.screeners) {
    screener.start().ready.catch(() => undefined)
    expect(await screener.whenEnded()).toEqual({ code: 1, signal: null })
    expect(screener.stderr).toMatch(/Offset \d+ of payments, partition \d, is outside of the log/)
  }
  const after = await readJournals(house, truth)
  expect(after.faults).toEqual([])
  expect(payments(after)).toEqual(payments(before))
})

/** How far each journal has come with payments. */
function payments({ positions }: JournalCheck): readonly SeenPosition[] {
  return positions.filter(({ topic }) => topic === 'payments')
}
