import { randomUUID } from 'node:crypto'
import { RiskError, type Ledger, type ProposedEntry, type RecordedEntry, type SubscriptionMessage } from '@riskledger/contracts'

/** The ledger under test; `connect` may be called many times. */
export interface LedgerUnderTest {
  connect(): Promise<Ledger>
  /** The server's limit on one append, in bytes. */
  readonly maxAppendBytes: number
}

/** A stream name that no other test, and no other run, uses. */
function uniqueStream(purpose: string): string {
  return `contract-${purpose}-${randomUUID()}`
}

/** A JSON entry with a random id. */
export function jsonEntry(n: number, id: string = randomUUID()): ProposedEntry {
  return {
    id,
    type: 'Counted',
    contentType: 'json',
    data: Buffer.from(JSON.stringify({ n })),
    metadata: Buffer.from(JSON.stringify({ of: n })),
  }
}

/** A binary entry of this many bytes with a random id. */
function binaryEntry(bytes: number): ProposedEntry {
  return { id: randomUUID(), type: 'Blob', contentType: 'binary', data: new Uint8Array(bytes).fill(7), metadata: Buffer.from('{"b":1}') }
}

/** All that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Entries of a subscription until `count` of them have come; ends the subscription. */
export async function takeEntries(messages: AsyncIterable<SubscriptionMessage>, count: number): Promise<RecordedEntry[]> {
  const entries: RecordedEntry[] = []
  if (count === 0) return entries
  for await (const message of messages) {
    if (message.kind === 'entry') entries.push(message.entry)
    if (entries.length >= count) break
  }
  return entries
}

/** The code of the `RiskError` with which a promise rejects; fails where it does not. */
async function rejectionOf(promise: Promise<unknown>): Promise<{ code: string; retriable: boolean }> {
  try {
    await promise
  } catch (cause) {
    if (cause instanceof RiskError) return { code: cause.code, retriable: cause.retriable }
    throw cause
  }
  throw new Error('expected a rejection')
}

const WRONG = { code: 'wrong-expected-revision', retriable: false }

/**
 * What every ledger must promise, whatever is behind the connection string: the rows of the append table that a single node
 * without deletes can show, reads, subscriptions, limits.
 */
export function describeLedger(name: string, underTest: () => LedgerUnderTest): void {
  describe(name, () => {
    let ledger: Ledger
    beforeAll(async () => {
      ledger = await underTest().connect()
    })
    afterAll(() => ledger.close())

    describeAppends(() => ledger, underTest)
    describeReads(() => ledger)
    describeSubscriptions(() => ledger)
  })
}

function describeAppends(ledger: () => Ledger, underTest: () => LedgerUnderTest): void {
  describe('append', () => {
    test('exact, stream there: the next revisions', async () => {
      const stream = uniqueStream('exact')
      expect(await ledger().append(stream, 'no-stream', [jsonEntry(0), jsonEntry(1)])).toBe(1)
      expect(await ledger().append(stream, 1, [jsonEntry(2)])).toBe(2)
    })

    test('exact, stream later, all ids equal: success again with the original revision, and nothing written', async () => {
      const stream = uniqueStream('again')
      const first = [jsonEntry(0), jsonEntry(1)]
      const second = [jsonEntry(2), jsonEntry(3)]
      await ledger().append(stream, 'no-stream', first)
      await ledger().append(stream, 1, second)
      await ledger().append(stream, 3, [jsonEntry(4)])
      expect(await ledger().append(stream, 1, second)).toBe(3)
      expect(await ledger().append(stream, 1, [second[0]])).toBe(2)
      expect(await ledger().append(stream, 0, [first[1], second[0]])).toBe(2)
      expect(await collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' }))).toHaveLength(5)
    })

    test('equal ids are enough: content is not compared', async () => {
      const stream = uniqueStream('ids')
      const entry = jsonEntry(0)
      await ledger().append(stream, 'no-stream', [entry])
      expect(await ledger().append(stream, 'no-stream', [jsonEntry(99, entry.id)])).toBe(0)
      const [kept] = await collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' }))
      expect(Buffer.from(kept.data).toString()).toBe('{"n":0}')
    })

    test('exact, stream later, the first id differs: wrong expected revision', async () => {
      const stream = uniqueStream('first-differs')
      const entries = [jsonEntry(0), jsonEntry(1), jsonEntry(2)]
      await ledger().append(stream, 'no-stream', entries)
      expect(await rejectionOf(ledger().append(stream, 0, [jsonEntry(1), entries[2]]))).toEqual(WRONG)
    })

    test('exact, stream later, a later id differs: wrong expected revision', async () => {
      const stream = uniqueStream('later-differs')
      const entries = [jsonEntry(0), jsonEntry(1), jsonEntry(2)]
      await ledger().append(stream, 'no-stream', entries)
      expect(await rejectionOf(ledger().append(stream, 0, [entries[1], jsonEntry(2)]))).toEqual(WRONG)
    })

    test('exact, stream later, more entries than the stream holds: wrong expected revision', async () => {
      const stream = uniqueStream('longer')
      const entries = [jsonEntry(0), jsonEntry(1)]
      await ledger().append(stream, 'no-stream', entries)
      expect(await rejectionOf(ledger().append(stream, 0, [entries[1], jsonEntry(2)]))).toEqual(WRONG)
    })

    test('exact, stream earlier: wrong expected revision', async () => {
      const stream = uniqueStream('earlier')
      await ledger().append(stream, 'no-stream', [jsonEntry(0)])
      expect(await rejectionOf(ledger().append(stream, 5, [jsonEntry(1)]))).toEqual(WRONG)
      expect(await rejectionOf(ledger().append(uniqueStream('none'), 0, [jsonEntry(1)]))).toEqual(WRONG)
    })

    test('no stream, but there is one: success for the same ids, else wrong expected revision', async () => {
      const stream = uniqueStream('no-stream')
      const entries = [jsonEntry(0), jsonEntry(1)]
      await ledger().append(stream, 'no-stream', entries)
      expect(await ledger().append(stream, 'no-stream', entries)).toBe(1)
      expect(await rejectionOf(ledger().append(stream, 'no-stream', [jsonEntry(0)]))).toEqual(WRONG)
    })

    test('the same append twice at once: written once, both succeed', async () => {
      const stream = uniqueStream('twice')
      const entries = [jsonEntry(0), jsonEntry(1)]
      const both = await Promise.all([ledger().append(stream, 'no-stream', entries), ledger().append(stream, 'no-stream', entries)])
      expect(both).toEqual([1, 1])
      expect(await collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' }))).toHaveLength(2)
    })

    test('writers that race for a revision: exactly one wins each', async () => {
      const stream = uniqueStream('race')
      await ledger().append(stream, 'no-stream', [jsonEntry(0)])
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => ledger().append(stream, 0, [jsonEntry(i), jsonEntry(i)])),
      )
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
      expect(await collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' }))).toHaveLength(3)
    })

    test('300 appends at once on a fresh connection all end', async () => {
      const fresh = await underTest().connect()
      try {
        const streams = Array.from({ length: 300 }, () => uniqueStream('burst'))
        expect(await Promise.all(streams.map((stream) => fresh.append(stream, 'no-stream', [jsonEntry(0)])))).toEqual(streams.map(() => 0))
      } finally {
        await fresh.close()
      }
    })

    test('above the limit: refused, and nothing written; just below it: taken', async () => {
      const stream = uniqueStream('limit')
      const limit = underTest().maxAppendBytes
      const tooLarge = { code: 'append-too-large', retriable: false }
      expect(await rejectionOf(ledger().append(stream, 'no-stream', [binaryEntry(limit)]))).toEqual(tooLarge)
      expect(
        await rejectionOf(
          ledger().append(
            stream,
            'no-stream',
            Array.from({ length: 5 }, () => binaryEntry(limit / 4)),
          ),
        ),
      ).toEqual(tooLarge)
      expect(await rejectionOf(collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' })))).toEqual({
        code: 'stream-not-found',
        retriable: false,
      })
      expect(await ledger().append(stream, 'no-stream', [binaryEntry(limit - 4096)])).toBe(0)
    })
  })
}

function describeReads(ledger: () => Ledger): void {
  describe('read', () => {
    const stream = uniqueStream('read')
    const entries = Array.from({ length: 25 }, (_, i) => (i % 3 === 0 ? binaryEntry(300 + i) : jsonEntry(i)))
    beforeAll(async () => {
      await ledger().append(stream, 'no-stream', entries.slice(0, 7))
      await ledger().append(stream, 6, entries.slice(7, 8))
      await ledger().append(stream, 7, entries.slice(8))
    })
    const revisions = async (options: Parameters<Ledger['readStream']>[1]): Promise<number[]> =>
      (await collect(ledger().readStream(stream, options))).map((entry) => entry.revision)
    const range = (from: number, to: number): number[] =>
      from <= to ? Array.from({ length: to - from + 1 }, (_, i) => from + i) : Array.from({ length: from - to + 1 }, (_, i) => from - i)

    test('gives back every entry byte for byte', async () => {
      const read = await collect(ledger().readStream(stream, { from: 'start', direction: 'forwards' }))
      expect(read).toHaveLength(entries.length)
      for (const [i, entry] of read.entries()) {
        expect({ id: entry.id, type: entry.type, contentType: entry.contentType, stream: entry.stream, revision: entry.revision }).toEqual({
          id: entries[i].id,
          type: entries[i].type,
          contentType: entries[i].contentType,
          stream,
          revision: i,
        })
        expect(Buffer.from(entry.data).equals(entries[i].data)).toBe(true)
        expect(Buffer.from(entry.metadata).equals(entries[i].metadata)).toBe(true)
        expect(Math.abs(entry.createdMs - Date.now())).toBeLessThan(3_600_000)
      }
    })

    test.each([
      ['start, forwards', { from: 'start', direction: 'forwards' }, range(0, 24)],
      ['start, forwards, at most 3', { from: 'start', direction: 'forwards', maxCount: 3 }, range(0, 2)],
      ['start, forwards, across appends', { from: 'start', direction: 'forwards', maxCount: 9 }, range(0, 8)],
      ['a revision, forwards', { from: 5, direction: 'forwards', maxCount: 4 }, range(5, 8)],
      ['the first of an append, forwards', { from: 7, direction: 'forwards', maxCount: 2 }, range(7, 8)],
      ['the last, forwards', { from: 24, direction: 'forwards' }, [24]],
      ['past the end, forwards', { from: 25, direction: 'forwards' }, []],
      ['end, forwards', { from: 'end', direction: 'forwards' }, []],
      ['end, backwards', { from: 'end', direction: 'backwards' }, range(24, 0)],
      ['end, backwards, at most 1', { from: 'end', direction: 'backwards', maxCount: 1 }, [24]],
      ['a revision, backwards', { from: 9, direction: 'backwards', maxCount: 4 }, range(9, 6)],
      ['a revision, backwards to the start', { from: 3, direction: 'backwards' }, range(3, 0)],
      ['start, backwards', { from: 'start', direction: 'backwards' }, [0]],
      ['past the end, backwards', { from: 1_000, direction: 'backwards', maxCount: 2 }, [24, 23]],
      ['nothing asked for', { from: 'start', direction: 'forwards', maxCount: 0 }, []],
    ] as const)('from %s', async (_name, options, expected) => {
      expect(await revisions(options)).toEqual(expected)
    })

    test('a stream that is not there', async () => {
      expect(await rejectionOf(collect(ledger().readStream(uniqueStream('absent'), { from: 'start', direction: 'forwards' })))).toEqual({
        code: 'stream-not-found',
        retriable: false,
      })
    })

    test('a reader that leaves early does not disturb the next', async () => {
      for await (const entry of ledger().readStream(stream, { from: 'start', direction: 'forwards' })) if (entry.revision === 2) break
      expect(await revisions({ from: 'start', direction: 'forwards' })).toHaveLength(25)
    })

    test('readers of one entry that leave with it, a thousand and more in a burst, do not end what else is on their connection', async () => {
      const abort = new AbortController()
      const following = takeEntries(ledger().subscribeToStream(stream, { after: 23, signal: abort.signal }), 2)
      const first = async (): Promise<number> => {
        for await (const { revision } of ledger().readStream(stream, { from: 3, direction: 'forwards', maxCount: 1 })) return revision
        return -1
      }
      for (let round = 0; round < 25; round++) expect(await Promise.all(Array.from({ length: 50 }, first))).toEqual(Array(50).fill(3))
      await ledger().append(stream, 24, [jsonEntry(25)])
      expect((await following).map(({ revision }) => revision)).toEqual([24, 25])
      abort.abort()
    })

    test('$all by prefixes: every entry of those streams in the order of the log, and no other', async () => {
      const mark = uniqueStream('all')
      const names = [`${mark}-a`, `${mark}-b`, `${mark}-c`]
      for (let i = 0; i < 30; i++) await ledger().append(names[i % 3], i < 3 ? 'no-stream' : Math.floor(i / 3) - 1, [jsonEntry(i)])
      const read = await collect(ledger().readAll({ streamPrefixes: [names[0], names[2]] }))
      expect(read.map((entry) => `${entry.stream}@${entry.revision}`)).toEqual(
        Array.from({ length: 30 }, (_, i) => `${names[i % 3]}@${Math.floor(i / 3)}`).filter((_, i) => i % 3 !== 1),
      )
    })
  })
}

function describeSubscriptions(ledger: () => Ledger): void {
  describe('subscribe', () => {
    test('history, caught up, then live entries; ends without error when aborted', async () => {
      const stream = uniqueStream('live')
      await ledger().append(stream, 'no-stream', [jsonEntry(0), jsonEntry(1)])
      const abort = new AbortController()
      const seen: string[] = []
      for await (const message of ledger().subscribeToStream(stream, { after: 'start', signal: abort.signal })) {
        seen.push(message.kind === 'entry' ? String(message.entry.revision) : message.kind)
        if (message.kind === 'caught-up') await ledger().append(stream, 1, [jsonEntry(2)])
        if (seen.includes('2')) abort.abort()
      }
      expect(seen).toEqual(['0', '1', 'caught-up', '2'])
    })

    test('after a revision, and on a stream that does not exist yet', async () => {
      const stream = uniqueStream('unborn')
      const abort = new AbortController()
      const fromStart = takeEntries(ledger().subscribeToStream(stream, { after: 'start', signal: abort.signal }), 3)
      await ledger().append(stream, 'no-stream', [jsonEntry(0), jsonEntry(1), jsonEntry(2)])
      expect((await fromStart).map((entry) => entry.revision)).toEqual([0, 1, 2])
      const fromOne = await takeEntries(ledger().subscribeToStream(stream, { after: 1, signal: abort.signal }), 1)
      expect(fromOne.map((entry) => entry.revision)).toEqual([2])
    })

    test('history turns into live without a gap or a repeat while others append', async () => {
      const stream = uniqueStream('switch')
      const total = 3_000
      let expected: number | 'no-stream' = 'no-stream'
      const append = async (): Promise<void> => {
        for (let written = 0; written < total; written += 20) {
          expected = await ledger().append(
            stream,
            expected,
            Array.from({ length: 20 }, (_, i) => jsonEntry(written + i)),
          )
        }
      }
      const appending = append()
      const abort = new AbortController()
      const readers = await Promise.all(
        [0, 1, 2].map(() => takeEntries(ledger().subscribeToStream(stream, { after: 'start', signal: abort.signal }), total)),
      )
      await appending
      for (const read of readers) expect(read.map((entry) => entry.revision)).toEqual(Array.from({ length: total }, (_, i) => i))
    })

    test('$all by prefix: in order, resumable from any position, with checkpoints past what it leaves out', async () => {
      const mark = uniqueStream('suball')
      const wanted = `${mark}-wanted`
      const other = `${mark}-other`
      for (let i = 0; i < 5; i++) {
        await ledger().append(wanted, i === 0 ? 'no-stream' : i - 1, [jsonEntry(i)])
        await ledger().append(
          other,
          i === 0 ? 'no-stream' : i * 400 - 1,
          Array.from({ length: 400 }, (_, n) => jsonEntry(n)),
        )
      }
      const abort = new AbortController()
      const all = await takeEntries(ledger().subscribeToAll({ after: 'start', streamPrefixes: [wanted], signal: abort.signal }), 5)
      expect(all.map((entry) => entry.revision)).toEqual([0, 1, 2, 3, 4])
      const after = all[1].position
      if (after === undefined) throw new Error('an entry of $all has a position')
      const resumed = await takeEntries(ledger().subscribeToAll({ after, streamPrefixes: [wanted], signal: abort.signal }), 3)
      expect(resumed.map((entry) => entry.revision)).toEqual([2, 3, 4])
      let checkpoint: bigint | undefined
      for await (const message of ledger().subscribeToAll({ after, streamPrefixes: [wanted], signal: abort.signal })) {
        if (message.kind === 'checkpoint') checkpoint = message.position.commit
        if (checkpoint !== undefined) break
      }
      expect(checkpoint).toBeGreaterThan(after.commit)
    })

    test('a slow consumer gets everything, in order', async () => {
      const stream = uniqueStream('slow')
      for (let i = 0; i < 40; i++) await ledger().append(stream, i === 0 ? 'no-stream' : i - 1, [binaryEntry(100_000)])
      const abort = new AbortController()
      const seen: number[] = []
      for await (const message of ledger().subscribeToStream(stream, { after: 'start', signal: abort.signal })) {
        await new Promise((resolve) => setImmediate(resolve))
        if (message.kind === 'entry') seen.push(message.entry.revision)
        if (seen.length === 40) break
      }
      expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i))
    })

    test('aborted before it begins: ends at once', async () => {
      const abort = new AbortController()
      abort.abort()
      expect(await collect(ledger().subscribeToStream(uniqueStream('never'), { after: 'start', signal: abort.signal }))).toEqual([])
    })
  })
}
