import { checkedEntries, emptyHead, sealEntry, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import { JournalFold } from '@riskledger/screening'
import { MadeJournal, policyWith, scenarioRecords } from '@riskledger/screening/src/testing/made-journal'
import { stateBytes } from '@riskledger/screening/src/testing/state-bytes'
import { mergeItem } from '@riskledger/screening/src/topic-merge'
import { KeptLogger, MemoryLedger, MemorySnapshots } from '@riskledger/testing'
import { PolicyShelf } from './policy-shelf'
import { SnapshotTail } from './snapshot-tail'
import { takeOver, type TakenOver } from './take-over'

const STREAM = 'screening-000.0000'
const ENGINE = 'e'.repeat(64)

describe('what lies beyond a snapshot', () => {
  let ledger: MemoryLedger
  let snapshots: MemorySnapshots
  let heads: ChainHead[]
  let ended: boolean
  const said: CheckedEntry[] = [1, 2].map((revision) => ({ revision, opened: { kind: 'faulty', reason: 'made up' } }))
  const reads: ChainHead[] = []

  /** A reader that says what it was asked for, and that it was let go. */
  async function* entriesAhead(head: ChainHead): AsyncGenerator<CheckedEntry, void, undefined> {
    reads.push(head)
    try {
      await Promise.resolve()
      yield* said
    } finally {
      ended = true
    }
  }

  beforeEach(async () => {
    ledger = new MemoryLedger()
    snapshots = new MemorySnapshots()
    reads.length = 0
    ended = false
    heads = []
    let head = emptyHead(STREAM)
    const proposed = Array.from({ length: 1_500 }, () => {
      const metadata = { engineHash: ENGINE, policyHash: ENGINE }
      const sealed = sealEntry(head, { type: 'StateAttested', contentType: 'json', data: Buffer.from('{}'), metadata })
      head = sealed.head
      heads.push(head)
      return sealed.proposed
    })
    await ledger.append(STREAM, 'no-stream', proposed)
  })

  const keep = (at: number, part: object = {}): Promise<void> =>
    snapshots.save(STREAM, { ...heads[at], formatHash: ENGINE, state: new Uint8Array(0), ...part })
  const beyond = (): Promise<SnapshotTail | null> => SnapshotTail.begin(STREAM, { ledger, snapshots, entriesAhead, engineHash: ENGINE })

  test('is read before anybody asks for it, and comes in order', async () => {
    await keep(400)
    const ahead = (await beyond())!
    expect(reads).toEqual([heads[400]])
    expect(ahead.continues({ head: heads[400] })).toBe(true)
    expect(ahead.continues({ head: heads[399] })).toBe(false)
    const seen: CheckedEntry[] = []
    for await (const entry of ahead) seen.push(entry)
    expect(seen).toEqual(said)
    expect(ended).toBe(true)
  })

  test('is let go where it is not wanted', async () => {
    await keep(400)
    await (await beyond())!.close()
    expect(ended).toBe(true)
  })

  test('is not read where it is little, where the snapshot is of other code, or where there is none', async () => {
    expect(await beyond()).toBeNull()
    await keep(600)
    expect(await beyond()).toBeNull()
    await keep(10, { formatHash: 'f'.repeat(64) })
    expect(await beyond()).toBeNull()
    await keep(10, { stream: 'screening-001.0000' })
    expect(await beyond()).toBeNull()
    expect(reads).toEqual([])
  })
})

describe('a take-over from a snapshot', () => {
  const policy = policyWith()
  let journal: MadeJournal
  let ledger: MemoryLedger
  let snapshots: MemorySnapshots
  let asked: number[]

  beforeAll(async () => {
    journal = new MadeJournal({ policy })
    for (const record of scenarioRecords({ seed: 4, accounts: 60, days: 10 }).slice(0, 1_200))
      journal.screen({ items: [mergeItem(record)], gaps: [], tickMs: undefined })
  })
  beforeEach(async () => {
    ledger = new MemoryLedger()
    snapshots = new MemorySnapshots()
    asked = []
    await new PolicyShelf(ledger, '').store(policy)
    await ledger.append(STREAM, 'no-stream', journal.recorded)
    for (const revision of [40, 60]) await snapshots.save(STREAM, snapshotAt(revision))
  })

  function snapshotAt(revision: number): Parameters<MemorySnapshots['save']>[1] {
    const { head, step, nextOffsets, tenure } = journal.fold(journal.entries.slice(0, revision + 1))
    return { ...head, formatHash: ENGINE, state: stateBytes({ step: step!, nextOffsets, tenure }) }
  }

  const take = (): Promise<TakenOver> =>
    takeOver({
      partition: 0,
      partitionCount: 1,
      environment: '',
      workerId: 'w-2',
      engineHash: ENGINE,
      log: null,
      ledger,
      snapshots,
      policies: new PolicyShelf(ledger, ''),
      policy: null,
      firstPolicy: null,
      logger: new KeptLogger(),
      entriesAhead: (head) => {
        asked.push(head.revision)
        return checkedEntries(ledger, head)
      },
    })

  test('reads what lies beyond it once', async () => {
    const { fold } = await take()
    expect(asked).toEqual([60])
    expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
  })

  test('reads again what lies beyond the one that could be loaded', async () => {
    const [newest, older] = snapshots.saved.get(STREAM)!
    jest.spyOn(snapshots, 'newest').mockResolvedValue(newest)
    snapshots.saved.set(STREAM, [older])
    const { fold } = await take()
    expect(asked).toEqual([60, 40])
    expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
  })

  test('lets go of it where none can be loaded', async () => {
    let ended = false
    const reading = checkedEntries(ledger, new JournalFold(STREAM).head)
    const load = jest.spyOn(snapshots, 'load').mockImplementation(() => {
      throw new Error('the store is gone')
    })
    const taking = takeOver({
      ...({} as Parameters<typeof takeOver>[0]),
      environment: '',
      partition: 0,
      engineHash: ENGINE,
      ledger,
      snapshots,
      policies: new PolicyShelf(ledger, ''),
      logger: new KeptLogger(),
      entriesAhead: async function* () {
        try {
          yield* reading
        } finally {
          ended = true
        }
      },
    })
    await expect(taking).rejects.toThrow('the store is gone')
    expect(load).toHaveBeenCalled()
    expect(ended).toBe(true)
  })
})
