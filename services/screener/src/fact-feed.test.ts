import { emptyHead, MalformedBytesError, relationsStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'
import { appendLearned } from '@riskledger/journal/src/testing/append-learned'
import { RiskError } from '@riskledger/contracts'
import type { OfferedThrough } from '@riskledger/screening'
import { KeptLogger, MemoryLedger } from '@riskledger/testing'
import { FactFeed, forgetOfferedIfReplaced, type OfferedTo } from './fact-feed'

const METADATA = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }

/** A desk that keeps what it is offered, by key: `key@revision`. */
class KeptOffers implements OfferedTo {
  readonly offers: string[] = []
  forgotten = false
  shows = 0

  constructor(public offeredThrough: OfferedThrough = { shownEpoch: -1, read: [] }) {}

  offer(_kind: 'counterparty' | 'device', keyToken: string, { sourceRevision }: { readonly sourceRevision: number }): void {
    this.offers.push(`${keyToken}@${sourceRevision}`)
  }

  showOffered(): void {
    this.shows++
  }

  forgetOffered(): void {
    this.forgotten = true
  }
}

/** Relations of two partitions, a feed that follows them, and restarts of it. */
class Bench {
  readonly ledger = new MemoryLedger()
  private readonly heads: ChainHead[] = [0, 1].map((partition) => emptyHead(relationsStream(partition, '')))
  private following = new AbortController()

  /** One entry; facts as `epoch key`. */
  async learn(partition: number, throughEpoch: number, facts: readonly (readonly [epoch: number, key: string])[]): Promise<void> {
    this.heads[partition] = await appendLearned(this.ledger, this.heads[partition], {
      throughEpoch,
      consumed: [],
      facts: facts.map(([epoch, keyToken]) => ({ epoch, kind: 'device', keyToken, value: new Uint8Array(4) })),
    })
  }

  async follow(desk: OfferedTo, { ledger = this.ledger, visibleEpoch = -1 } = {}): Promise<FactFeed> {
    const { signal } = this.following
    const feed = FactFeed.follow(ledger, {
      desk,
      visibleEpoch,
      partitionCount: 2,
      environment: '',
      logger: new KeptLogger(),
      signal,
      timers: { sleep: () => Promise.resolve() },
    })
    while (!feed.caughtUp) await feed.changed(signal)
    return feed
  }

  end(): void {
    this.following.abort()
    this.following = new AbortController()
  }
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.end())

test('has caught up once every stream was read to its end, also where there is none yet', async () => {
  const feed = await bench.follow(new KeptOffers())
  expect(feed.completeEpoch).toBe(-1)
})

test('has caught up also on a ledger that never says so', async () => {
  await bench.learn(0, 5, [[-1, 'a']])
  const { ledger } = bench
  const subscribe = ledger.subscribeToStream.bind(ledger)
  ledger.subscribeToStream = async function* (stream, options) {
    for await (const message of subscribe(stream, options)) if (message.kind === 'entry') yield message
  }
  const desk = new KeptOffers()
  await bench.follow(desk)
  expect(desk.offers).toEqual(['a@0'])
})

test('goes on where it was when a ledger that was away answers again', async () => {
  await bench.learn(0, 5, [[-1, 'a']])
  const { ledger } = bench
  const away = new RiskError('ledger-unavailable', 'away', { retriable: true })
  const subscribe = ledger.subscribeToStream.bind(ledger)
  const after: unknown[] = []
  ledger.subscribeToStream = async function* (stream, options) {
    const isFirst = stream === relationsStream(0, '')
    if (isFirst && after.push(options.after) === 2) throw away
    for await (const message of subscribe(stream, options)) {
      yield message
      if (isFirst && after.length === 1 && message.kind === 'entry') throw away
    }
  }
  const read = jest.spyOn(ledger, 'readStream').mockImplementationOnce(() => {
    throw away
  })
  const desk = new KeptOffers()
  const feed = await bench.follow(desk)
  await bench.learn(0, 6, [[-1, 'b']])
  while (desk.offers.length < 2) await feed.changed(new AbortController().signal)
  expect(desk.offers).toEqual(['a@0', 'b@1'])
  expect(after).toEqual(['start', 0, 0])
  expect(read.mock.calls).toHaveLength(3)
})

test('a ledger that goes away after each entry is asked again each time, and one that tells nothing a hundred times in a row', async () => {
  const { ledger } = bench
  for (let entry = 0; entry < 150; entry++) await bench.learn(0, 5, [[-1, `key-${entry}`]])
  const away = new RiskError('ledger-unavailable', 'away', { retriable: true })
  const subscribe = ledger.subscribeToStream.bind(ledger)
  let asked = 0
  ledger.subscribeToStream = async function* (stream, options) {
    const isFirst = stream === relationsStream(0, '')
    if (isFirst) asked++
    for await (const message of subscribe(stream, options)) {
      if (isFirst && message.kind !== 'entry') throw away
      yield message
      if (isFirst) throw away
    }
  }
  const desk = new KeptOffers()
  const feed = await bench.follow(desk)
  expect(desk.offers).toHaveLength(150)
  await expect((async () => { for (;;) await feed.changed(new AbortController().signal) })()).rejects.toMatchObject({ code: 'limit-reached' }) // prettier-ignore
  // The last entry's failure is the first of the row.
  expect(asked).toBe(150 + 99)
})

test('shows facts of live inputs at once, those of an epoch once it is told', async () => {
  await bench.learn(0, 6, [[-1, 'live'], [5, 'five'], [6, 'six']]) // prettier-ignore
  await bench.learn(1, 5, [[5, 'other']])
  const desk = new KeptOffers()
  const feed = await bench.follow(desk)
  expect(feed.completeEpoch).toBe(5)
  expect(desk.offers).toEqual(['live@0'])
  feed.showThrough(5)
  expect(desk.offers).toEqual(['live@0', 'five@0', 'other@0'])
})

test('what the next input may know in any case waits for no input', async () => {
  await bench.learn(0, 6, [[4, 'four'], [5, 'five'], [6, 'six']]) // prettier-ignore
  const desk = new KeptOffers()
  await bench.follow(desk, { visibleEpoch: 5 })
  expect(desk.offers).toEqual(['four@0', 'five@0'])
})

describe('after a restart', () => {
  test('only what was learned since is read, and the epochs go on', async () => {
    await bench.learn(0, 5, [[5, 'a']])
    await bench.learn(1, 5, [[5, 'b']])
    const before = new KeptOffers()
    const feed = await bench.follow(before)
    feed.showThrough(5)
    bench.end()
    await bench.learn(0, 7, [[7, 'c']])
    await bench.learn(1, 7, [[5, 'late'], [7, 'd']]) // prettier-ignore
    const after = new KeptOffers(before.offeredThrough)
    const resumed = await bench.follow(after)
    expect(after.shows).toBe(1)
    expect(resumed.completeEpoch).toBe(7)
    expect(after.offers).toEqual(['late@1'])
    resumed.showThrough(7)
    expect(after.offers).toEqual(['late@1', 'c@1', 'd@1'])
  })

  test('what waited for its epoch is read again, and no epoch counts as complete before that', async () => {
    await bench.learn(0, 5, [[5, 'a']])
    await bench.learn(0, -1, [[6, 'b']])
    await bench.learn(0, 7, [[7, 'c']])
    await bench.learn(1, 7, [])
    const before = new KeptOffers()
    const feed = await bench.follow(before)
    feed.showThrough(5)
    expect(before.offeredThrough.read.map(({ head, throughEpoch }) => [head.revision, throughEpoch])).toEqual([
      [0, 5],
      [0, 7],
    ])
    bench.end()
    const after = new KeptOffers(before.offeredThrough)
    // A ledger that ends with the first stream's first entry: nothing of what waited is known yet.
    const early = await bench.follow(after, { ledger: bench.ledger.copy(1) })
    expect(early.completeEpoch).toBe(5)
    bench.end()
    const resumed = await bench.follow(after)
    resumed.showThrough(7)
    expect(after.offers).toEqual(['b@1', 'c@2'])
    expect(after.offeredThrough.read[0]).toMatchObject({ head: { revision: 2 }, throughEpoch: 7 })
  })

  test('facts are kept where the streams are the same, and begun anew where one is another or shorter', async () => {
    await bench.learn(0, 5, [[-1, 'a']])
    const desk = new KeptOffers()
    await bench.follow(desk)
    await forgetOfferedIfReplaced(bench.ledger, desk)
    expect(desk.forgotten).toBe(false)
    const other = new Bench()
    await forgetOfferedIfReplaced(other.ledger, desk)
    expect(desk.forgotten).toBe(true)
    desk.forgotten = false
    await other.learn(0, 5, [[5, 'another']])
    await forgetOfferedIfReplaced(other.ledger, desk)
    expect(desk.forgotten).toBe(true)
  })
})

test('a stream that cannot be read fails whoever waits, and whoever asks later', async () => {
  const { stream } = emptyHead(relationsStream(1, ''))
  await bench.ledger.append(stream, 'no-stream', [
    sealEntry(emptyHead(stream), { type: 'RelationsLearned', contentType: 'binary', data: Buffer.from([1]), metadata: METADATA }).proposed,
  ])
  const { signal } = new AbortController()
  const feed = FactFeed.follow(bench.ledger, {
    desk: new KeptOffers(),
    visibleEpoch: -1,
    partitionCount: 2,
    environment: '',
    logger: new KeptLogger(),
    signal,
  })
  await expect((async () => { for (;;) await feed.changed(signal) })()).rejects.toThrow(MalformedBytesError) // prettier-ignore
  expect(() => feed.assertFollowing()).toThrow(MalformedBytesError)
})
