import type { Ledger, ReadStreamOptions, RecordedEntry } from '@riskledger/contracts'
import { batchOfSequence, encodeInputsScreened, ZERO_HASH } from '@riskledger/journal'
import fc from 'fast-check'
import { BatchFinder } from './batch-finder'

const NOTHING = new Uint8Array(0)

/** A journal whose batches hold so many inputs each, with so many decisions behind them; 0 inputs: a tick alone. Counts what is read of it. */
class Journal {
  readonly entries: RecordedEntry[] = []
  reads = 0
  entriesRead = 0
  leftEarly = 0
  inputs = 0

  constructor(batches: readonly (readonly [inputs: number, decisions: number])[] = []) {
    this.add('SegmentOpened', NOTHING, {})
    for (const [inputs, decisions] of batches) this.append(inputs, decisions)
  }

  append(inputs: number, decisions: number): void {
    const firstSequence = this.inputs + 1
    const none = { positions: [], gaps: [], inputCount: 0, inputBytes: NOTHING, factCount: 0, factBytes: NOTHING }
    const place = { firstSequence, lastSequence: this.inputs + inputs }
    this.add('InputsScreened', encodeInputsScreened({ firstSequence, tickMs: 0, ...none }), place)
    for (let i = 0; i < decisions; i++)
      this.add('DecisionMade', NOTHING, { firstSequence: firstSequence + i, lastSequence: firstSequence + i })
    this.inputs += inputs
  }

  get ledger(): Ledger {
    return { readStream: (_stream: string, options: ReadStreamOptions) => this.read(options) } as unknown as Ledger
  }

  private async *read({ from, direction, maxCount = Infinity }: ReadStreamOptions): AsyncGenerator<RecordedEntry, void, undefined> {
    this.reads++
    const step = direction === 'forwards' ? 1 : -1
    let left = true
    try {
      let at = from === 'start' ? 0 : from === 'end' ? this.entries.length - 1 : from
      for (let count = 0; count < maxCount && at >= 0 && at < this.entries.length; count++, at += step) {
        this.entriesRead++
        yield await Promise.resolve(this.entries[at])
      }
      left = false
    } finally {
      if (left) this.leftEarly++
    }
  }

  private add(type: string, data: Uint8Array, place: object): void {
    const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH, previousEntryHash: ZERO_HASH, entryHash: ZERO_HASH, ...place }
    const revision = this.entries.length
    this.entries.push({ stream: 's', revision, type, data, metadata: Buffer.from(JSON.stringify(metadata)) } as unknown as RecordedEntry)
  }
}

const batches = fc.array(fc.tuple(fc.oneof(fc.nat(3), fc.nat(200)), fc.oneof(fc.constant(0), fc.nat(40))), { maxLength: 40 })

test('finds what the simple search finds, in any order, one after the other or side by side, also as the journal grows', async () => {
  await fc.assert(
    fc.asyncProperty(batches, batches, fc.array(fc.nat(9_000), { maxLength: 12 }), async (first, then, wanted) => {
      const journal = new Journal(first)
      const finder = new BatchFinder(journal.ledger, 's')
      const check = async (sequence: number): Promise<void> => {
        const expected = await batchOfSequence(journal.ledger, 's', sequence)
        expect((await finder.find(sequence))?.recorded.revision).toBe(expected?.recorded.revision)
      }
      const sequences = (): number[] => wanted.map((one) => 1 + (one % (journal.inputs + 2)))
      for (const sequence of sequences().slice(0, 5)) await check(sequence)
      for (const [inputs, decisions] of then) journal.append(inputs, decisions)
      await Promise.all(sequences().map(check))
    }),
  )
})

test('a few reads find a batch among many, fewer where one near by was found, none where it was found a moment ago', async () => {
  const journal = new Journal(Array.from({ length: 20_000 }, (_, i) => [20 + (i % 7), i % 5 === 0 ? 2 : 0] as const))
  const finder = new BatchFinder(journal.ledger, 's')
  await finder.find(123_456)
  expect(journal.reads).toBeLessThanOrEqual(6)
  expect(journal.entriesRead).toBeLessThanOrEqual(6 * 8)
  journal.reads = 0
  await finder.find(123_456 + 60)
  expect(journal.reads).toBeLessThanOrEqual(3)
  journal.reads = 0
  await finder.find(123_456)
  expect(journal.reads).toBe(0)
})

test('hundreds of decisions behind a batch are strided over, and a journal that grew unevenly costs no more than halves', async () => {
  const decided = new Journal(Array.from({ length: 200 }, () => [500, 500] as const))
  await new BatchFinder(decided.ledger, 's').find(50_250)
  expect(decided.reads).toBeLessThan(40)
  const uneven = new Journal(Array.from({ length: 5_000 }, (_, i) => [i < 4_990 ? 1 : 100_000, 0] as const))
  await new BatchFinder(uneven.ledger, 's').find(2_500)
  expect(uneven.reads).toBeLessThan(30)
})

test('searches for one batch, side by side, read it once; every read is taken to its end', async () => {
  const journal = new Journal(Array.from({ length: 50 }, () => [100, 3] as const))
  const finder = new BatchFinder(journal.ledger, 's')
  await finder.find(2_000)
  await finder.find(2_400)
  journal.reads = 0
  const found = await Promise.all(Array.from({ length: 100 }, (_, i) => finder.find(2_301 + i)))
  expect(new Set(found.map((batch) => batch?.recorded.revision)).size).toBe(1)
  expect(journal.reads).toBe(0)
  await Promise.all(Array.from({ length: 100 }, (_, i) => finder.find(4_001 + i)))
  expect(journal.leftEarly).toBe(0)
})

test('what the journal does not hold is not found; an entry that cannot be read is named', async () => {
  const journal = new Journal([[10, 0]])
  const finder = new BatchFinder(journal.ledger, 's')
  expect(await finder.find(11)).toBeNull()
  expect(await new BatchFinder(new Journal().ledger, 's').find(1)).toBeNull()
  journal.entries[1] = { ...journal.entries[1], metadata: Buffer.from('{}') }
  await expect(new BatchFinder(journal.ledger, 's').find(1)).rejects.toMatchObject({ code: 'ledger-corrupt', context: { revision: 1 } })
})
