import { inflateRawSync } from 'node:zlib'
import { partitionFor } from '@riskledger/contracts'
import { decodeRelationsLearned, emptyHead, openEntry, relationsStream, type LearnedFact, type RelationsLearned } from '@riskledger/journal'
import { MemoryLedger } from '@riskledger/testing'
import { LearnedWriter } from './learned-writer'

const OPTIONS = { partitionCount: 2, environment: '', engineHash: 'e'.repeat(64), sleep: () => Promise.resolve() }
type Write = Parameters<LearnedWriter['write']>[0]

function fact(epoch: number, key: string, valueBytes = 12): LearnedFact {
  return { epoch, kind: 'counterparty', keyToken: key, value: Buffer.alloc(valueBytes, key) }
}

/** What a stream teaches, with its chain checked. */
function learnedIn(ledger: MemoryLedger, partition: number): RelationsLearned[] {
  let head = emptyHead(relationsStream(partition))
  return ledger.entriesOf(head.stream).map((entry) => {
    const opened = openEntry(head, entry)
    if (opened.kind === 'faulty') throw new Error(opened.reason)
    head = opened.entry.head
    return decodeRelationsLearned(opened.entry.data)
  })
}

function factsIn(ledger: MemoryLedger): string[] {
  return [0, 1].flatMap((partition) =>
    learnedIn(ledger, partition).flatMap(({ facts }) => facts.map(({ epoch, keyToken }) => `${epoch} ${keyToken}`)),
  )
}

/** What relations would write, journal entry by journal entry: epochs, live facts, entries that teach nothing. */
function writes(): Write[] {
  const result: Write[] = []
  let through = -1
  for (let revision = 3; revision < 15; revision++) {
    const stream = `screening-00${revision % 2}.0000`
    const live = revision % 4 === 3
    if (!live && revision % 3 === 0) through += 2
    const facts = live
      ? Array.from({ length: 5 }, (_, i) => fact(-1, `live-${revision}-${i}`))
      : Array.from({ length: revision % 3 === 0 ? (revision === 9 ? 20_000 : 7) : 0 }, (_, i) => fact(through, `m-${revision}-${i}`))
    result.push({ throughEpoch: through, consumed: { stream, revision }, facts })
  }
  return result
}

async function writeAll(ledger: MemoryLedger): Promise<void> {
  const writer = await LearnedWriter.open(ledger, OPTIONS)
  for (const write of writes()) await writer.write(write)
}

test("each fact stands once, in its key's stream, in an unbroken chain, and both streams tell how far it goes", async () => {
  const ledger = new MemoryLedger()
  await writeAll(ledger)
  const all = writes().flatMap(({ facts }) => facts.map(({ epoch, keyToken }) => `${epoch} ${keyToken}`))
  expect(factsIn(ledger).sort()).toEqual([...all].sort())
  for (const partition of [0, 1]) {
    const learned = learnedIn(ledger, partition)
    for (const { keyToken } of learned.flatMap(({ facts }) => facts)) expect(partitionFor(Buffer.from(keyToken), 2)).toBe(partition)
    expect(Math.max(...learned.map(({ throughEpoch }) => throughEpoch))).toBe(writes().at(-1)!.throughEpoch)
  }
})

test('begun anew after any entry, it writes just what is missing', async () => {
  const whole = new MemoryLedger()
  await writeAll(whole)
  for (let commits = 0; commits <= whole.all.length; commits++) {
    const ledger = whole.copy(commits)
    await writeAll(ledger)
    expect(factsIn(ledger)).toEqual(factsIn(whole))
    for (const partition of [0, 1]) {
      const through = (one: MemoryLedger): number => Math.max(...learnedIn(one, partition).map(({ throughEpoch }) => throughEpoch))
      expect(through(ledger)).toBe(through(whole))
    }
  }
})

test('many facts, and large ones, are split over entries; only the last says that the epoch is complete', async () => {
  const ledger = new MemoryLedger()
  const writer = await LearnedWriter.open(ledger, { ...OPTIONS, partitionCount: 1 })
  const random = (i: number): string => `${i}-${Buffer.from(String(i * 7_919)).toString('base64')}`
  const facts = Array.from({ length: 20_000 }, (_, i) => ({ ...fact(4, random(i)), value: Buffer.from(random(i).repeat(15)) }))
  await writer.write({ throughEpoch: 4, consumed: { stream: 'screening-000.0000', revision: 3 }, facts })
  const learned = learnedIn(ledger, 0)
  expect(learned.length).toBeGreaterThan(2)
  expect(learned.flatMap((part) => part.facts)).toHaveLength(20_000)
  expect(learned.map(({ throughEpoch }) => throughEpoch >= 4)).toEqual(learned.map((_, index) => index === learned.length - 1))
  for (const entry of ledger.all) expect(inflateRawSync(entry.data).length).toBeLessThan(1_048_576)
})

test('an append whose outcome is not known is sent again, the same', async () => {
  const ledger = new MemoryLedger()
  let calls = 0
  ledger.fault = () => (calls++ % 3 === 0 ? 'unknown-written' : calls % 3 === 2 ? 'unknown-lost' : 'none')
  await writeAll(ledger)
  const undisturbed = new MemoryLedger()
  await writeAll(undisturbed)
  expect(ledger.all.map(({ id }) => id)).toEqual(undisturbed.all.map(({ id }) => id))
})

test('what is complete is told to each stream once, not with every batch that follows', async () => {
  const ledger = new MemoryLedger()
  const writer = await LearnedWriter.open(ledger, OPTIONS)
  const stream = 'screening-000.0000'
  await writer.write({ throughEpoch: 3, consumed: { stream, revision: 7 }, facts: [] })
  const told = ledger.all.length
  expect(told).toBe(OPTIONS.partitionCount)
  await writer.write({ throughEpoch: 3, consumed: { stream, revision: 8 }, facts: [] })
  expect(ledger.all).toHaveLength(told)
  await writer.write({ throughEpoch: 4, consumed: { stream, revision: 9 }, facts: [] })
  expect(ledger.all).toHaveLength(2 * told)
})

test('what a stream was told of a journal does not go back with an entry that tells of an earlier place', async () => {
  const ledger = new MemoryLedger()
  const stream = 'screening-000.0000'
  const fact = { epoch: -1, kind: 'device', keyToken: 'd', value: Buffer.of(1) } as const
  const first = await LearnedWriter.open(ledger, OPTIONS)
  await first.write({ throughEpoch: -1, consumed: { stream, revision: 9 }, facts: [fact] })
  await first.write({ throughEpoch: 0, consumed: { stream, revision: 2 }, facts: [] })
  const told = ledger.all.length
  const second = await LearnedWriter.open(ledger, OPTIONS)
  await second.write({ throughEpoch: 0, consumed: { stream, revision: 9 }, facts: [fact] })
  expect(ledger.all).toHaveLength(told)
})

test('a ledger that is away for a while is asked again ever more slowly, and in the end given up', async () => {
  const ledger = new MemoryLedger()
  const slept: number[] = []
  const sleep = (delayMs: number): Promise<void> => Promise.resolve(void slept.push(delayMs))
  const writer = await LearnedWriter.open(ledger, { ...OPTIONS, sleep })
  ledger.fault = () => (slept.length < 10 ? 'unavailable' : 'none')
  const [write] = writes()
  await writer.write(write)
  expect(slept).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
  ledger.fault = () => 'unavailable'
  await expect(writer.write({ ...write, throughEpoch: write.throughEpoch + 1 })).rejects.toMatchObject({ code: 'limit-reached' })
  expect(slept).toHaveLength(10 + 99)
})

test('an end that is asked for is not held up by a ledger that is away', async () => {
  const ledger = new MemoryLedger()
  const ending = new AbortController()
  const options = { partitionCount: 2, environment: '', engineHash: 'e'.repeat(64), signal: ending.signal }
  const writer = await LearnedWriter.open(ledger, options)
  let tries = 0
  ledger.fault = () => {
    if (++tries === 2) ending.abort()
    return 'unavailable'
  }
  await expect(writer.write(writes()[0])).rejects.toMatchObject({ code: 'ledger-unavailable' })
  expect(tries).toBe(2)
})

test('where another writer is at work it is fenced', async () => {
  const ledger = new MemoryLedger()
  const [one, other] = [await LearnedWriter.open(ledger, OPTIONS), await LearnedWriter.open(ledger, OPTIONS)]
  const write = (revision: number): Write => ({
    throughEpoch: revision,
    consumed: { stream: 'screening-000.0000', revision },
    facts: [fact(1, `m-${revision}`)],
  })
  await one.write(write(3))
  await expect(other.write(write(4))).rejects.toMatchObject({ code: 'fenced', retriable: false })
})
