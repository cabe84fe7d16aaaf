import { MadeJournal, policyWith, scenarioRecords } from '@riskledger/screening/src/testing/made-journal'
import { stateBytes } from '@riskledger/screening/src/testing/state-bytes'
import { mergeItem } from '@riskledger/screening/src/topic-merge'
import type { WorkerState } from '@riskledger/screening'
import { ThreadedStateHasher } from './state-hasher'

const POLICY = policyWith()
const records = scenarioRecords({ seed: 6, accounts: 60, days: 10 })

let journal: MadeJournal
let hasher: ThreadedStateHasher
beforeEach(() => {
  journal = new MadeJournal({ policy: POLICY })
  hasher = new ThreadedStateHasher({ largeBytes: 1 })
  screen(0, 500)
})
afterEach(() => hasher.close())

function screen(from: number, to: number): void {
  journal.screen({ items: records.slice(from, to).map((record) => mergeItem(record)), gaps: [], tickMs: undefined })
}

function state(): WorkerState {
  return { step: journal.step, nextOffsets: journal.stage.nextOffsets, tenure: null }
}

test('hashes states as they were when it was asked, whatever becomes of them meanwhile', async () => {
  const expected: string[] = []
  const hashed: Promise<string>[] = []
  for (let from = 500; from < 800; from += 100) {
    expected.push(journal.step.stateHash())
    hashed.push(hasher.hash(state(), POLICY))
    screen(from, from + 100)
  }
  expect(await Promise.all(hashed)).toEqual(expected)
  expect(new Set(expected).size).toBe(3)
})

test('leaves small states to whoever holds them', () => {
  expect(hasher.takes(state())).toBe(true)
  expect(new ThreadedStateHasher({ largeBytes: 1e12 }).takes(state())).toBe(false)
})

test('copies no more than there is room for, and has room again once they are hashed', async () => {
  const other = new ThreadedStateHasher({ largeBytes: 1, mostCopiedBytes: 1.5 * stateBytes(state()).length })
  const hashed = other.hash(state(), POLICY)
  expect(other.takes(state())).toBe(true)
  await expect(other.hash(state(), POLICY)).rejects.toMatchObject({ code: 'limit-reached' })
  expect(await hashed).toBe(journal.step.stateHash())
  expect(await other.hash(state(), POLICY)).toBe(journal.step.stateHash())
  await other.close()
})

test('once it is closed nothing is hashed any more, and who waits hears of it', async () => {
  const hashed = Promise.allSettled([hasher.hash(state(), POLICY), hasher.hash(state(), POLICY)])
  // The first has its thread by now, the second waits for it.
  await Promise.resolve()
  await hasher.close()
  const cancelled = { status: 'rejected', reason: expect.objectContaining({ code: 'cancelled' }) }
  expect(await hashed).toEqual([cancelled, cancelled])
  await expect(hasher.hash(state(), POLICY)).rejects.toMatchObject({ code: 'cancelled' })
})
