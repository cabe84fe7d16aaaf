import { emptyHead, sealEntry, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import { MemoryLedger, MemorySnapshots } from '@riskledger/testing'
import { EntriesAhead, isWorthAThread } from './entries-beyond'

const STREAM = 'screening-000.0000'
const ENGINE = 'e'.repeat(64)

test.each([
  [{ entries: 999, inputs: 49_999 }, false],
  [{ entries: 1_000, inputs: 0 }, true],
  [{ entries: 1, inputs: 50_000 }, true],
])('%j: %p', (beyond, expected) => {
  expect(isWorthAThread(beyond)).toBe(expected)
})

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
  const beyond = (): Promise<EntriesAhead | null> =>
    EntriesAhead.beyondSnapshot(STREAM, { ledger, snapshots, entriesAhead, engineHash: ENGINE })

  test('is read before anybody asks for it, and comes in order', async () => {
    await keep(400)
    const ahead = (await beyond())!
    expect(reads).toEqual([heads[400]])
    expect(ahead.follow({ head: heads[400] })).toBe(true)
    expect(ahead.follow({ head: heads[399] })).toBe(false)
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
