import { RAW_TOPICS, RiskError, type RawTopic, type Snapshot } from '@riskledger/contracts'
import { encodeRaw, type Outcome, type Payment } from '@riskledger/events'
import {
  decodeRelationsLearned,
  deflateEntry,
  emptyHead,
  emptyInput,
  readEntry,
  relationsStream,
  screeningStream,
  sealEntry,
  ZERO_HASH,
  type ChainHead,
  type JournaledInput,
  type UnsealedEntry,
} from '@riskledger/journal'
import { encodeBatch } from '@riskledger/journal/src/testing/journal-arbitraries'
import { HOUR, MINUTE, NOON, outcome, payment } from '@riskledger/relations/src/testing/events'
import { KeptLogger, MemoryLedger, MemorySnapshots, NO_METRICS } from '@riskledger/testing'
import { runRelations, type RelationsOptions } from './run-relations'

const PARTITIONS = 2
const METADATA = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }

/** Two journals in turns: payments of a file, hour after hour, every fourth entry live, and frauds among them as they become known. */
class Journals {
  readonly ledger = new MemoryLedger()
  private readonly heads: ChainHead[] = []
  private readonly paid: Payment[] = []

  async write(entries: number): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.heads.push(emptyHead(screeningStream(partition, 0)))
      const data = Buffer.from(JSON.stringify({ topics: RAW_TOPICS }))
      await this.append(partition, { type: 'SegmentOpened', contentType: 'json', data, metadata: METADATA })
    }
    for (let at = 0; at < entries; at++) await this.writeBatch(at)
  }

  private async writeBatch(at: number): Promise<void> {
    const partition = at % PARTITIONS
    const orderLagMs = at % 4 === 3 ? null : 0
    const timeMs = NOON + at * 10 * MINUTE
    const inputs = Array.from({ length: 6 }, (_, i) => this.input(timeMs + i * MINUTE, { number: at * 6 + i, orderLagMs }))
    const data = encodeBatch({ firstSequence: 1, tickMs: timeMs + 5 * MINUTE, positions: [], gaps: [], facts: [], inputs })
    await this.append(partition, { type: 'InputsScreened', contentType: 'binary', data, deflated: deflateEntry(data), metadata: METADATA })
  }

  private input(timeMs: number, { number, orderLagMs }: { readonly number: number; readonly orderLagMs: number | null }): JournaledInput {
    const known = number % 5 === 4 ? this.paid[number % this.paid.length] : undefined
    const event: Payment | Outcome =
      known === undefined
        ? payment(timeMs, { accountId: `a${number % 11}`, counterpartyId: `shop-${number % 7}`, deviceId: `d${number % 13}` })
        : outcome(timeMs, known)
    if (known === undefined) this.paid.push(event as Payment)
    const topic: RawTopic = known === undefined ? 'payments' : 'outcomes'
    const body = encodeRaw(topic as 'payments', event as Payment).slice()
    return {
      ...emptyInput(),
      topic: RAW_TOPICS.indexOf(topic),
      offset: number,
      brokerTimeMs: timeMs,
      orderLagMs,
      body,
      bodyLengthBytes: body.length,
      status: known === undefined ? 'screened' : 'observed',
      verdict: known === undefined ? 'allow' : null,
      habitDistanceCenti: known === undefined ? null : 100,
    }
  }

  private async append(partition: number, entry: UnsealedEntry): Promise<void> {
    const head = this.heads[partition]
    const sealed = sealEntry(head, entry)
    await this.ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
    this.heads[partition] = sealed.head
  }
}

const ENTRIES = 48
let whole: MemoryLedger

beforeAll(async () => {
  const journals = new Journals()
  await journals.write(ENTRIES)
  whole = journals.ledger
})

type Given = Partial<Pick<RelationsOptions, 'snapshotPace' | 'epochMs' | 'state' | 'nowMs' | 'metrics' | 'logger' | 'sleep' | 'signal'>>

/** Runs relations over the journals as they are, until they have folded `entries` from where they began; tells the entries that they folded. */
async function run(
  ledger: MemoryLedger,
  { snapshots, entries, ...given }: Given & { readonly snapshots: RelationsOptions['snapshots']; readonly entries: number },
): Promise<string[]> {
  const leaving = new AbortController()
  const folded: string[] = []
  await runRelations({
    ledger,
    snapshots,
    partitionCount: PARTITIONS,
    environment: '',
    engineHash: 'e'.repeat(64),
    codeHash: 'c'.repeat(64),
    epochMs: HOUR,
    state: { labelDelayMs: 3 * HOUR, labelMemoryMs: 6 * HOUR, alertMemoryMs: 6 * HOUR, maxKeys: 1_000, maxRemembered: 1_000 },
    snapshotPace: { snapshotInputs: 1 },
    nowMs: () => 0,
    logger: new KeptLogger(),
    metrics: NO_METRICS,
    signal: leaving.signal,
    onEntry: ({ stream, revision }) => {
      folded.push(`${stream}@${revision}`)
      if (folded.length === entries) leaving.abort()
    },
    ...given,
  })
  return folded
}

/** What the streams of relations tell, whichever entries it is spread over. */
function told(ledger: MemoryLedger): { readonly throughEpoch: number; readonly facts: readonly string[] }[] {
  return [0, 1].map((partition) => {
    const learned = ledger.entriesOf(relationsStream(partition)).map((entry) => decodeRelationsLearned(readEntry(entry).data))
    return {
      throughEpoch: Math.max(...learned.map(({ throughEpoch }) => throughEpoch)),
      facts: learned.flatMap(({ facts }) =>
        facts.map(({ epoch, kind, keyToken, value }) => `${epoch} ${kind} ${keyToken} ${Buffer.from(value).toString('hex')}`),
      ),
    }
  })
}

/** A store that gives out one snapshot and takes none. */
function holding(snapshot: Snapshot): MemorySnapshots {
  const store = new MemorySnapshots()
  store.saved.set('relations', [snapshot])
  store.save = () => Promise.resolve()
  return store
}

test('from a snapshot at any entry relations go on as if nothing had happened, wherever their streams are by then', async () => {
  const undisturbed = whole.copy()
  const taken: { readonly snapshot: Snapshot; readonly commits: number }[] = []
  const snapshots = new MemorySnapshots()
  snapshots.save = async (_, { state, ...place }) =>
    void taken.push({ snapshot: { ...place, state: state.slice() }, commits: undisturbed.all.length })
  await run(undisturbed, { snapshots, entries: ENTRIES })
  expect(taken.length).toBeGreaterThan(ENTRIES / 2)
  const expected = told(undisturbed)
  expect(expected.flatMap(({ facts }) => facts)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^-1 counterparty/),
      expect.stringMatching(/^\d+ counterparty/),
      expect.stringMatching(/^\d+ device/),
    ]),
  )
  for (const { snapshot, commits } of taken.slice(0, -1)) {
    // Streams as they were at the snapshot, with some that came after it, and with all.
    for (const more of [0, 1, 5, Infinity]) {
      const ledger = undisturbed.copy(commits + more)
      const left = leftAfter(snapshot)
      expect(await run(ledger, { snapshots: holding(snapshot), entries: left })).toHaveLength(left)
      expect(told(ledger)).toEqual(expected)
    }
  }
})

/** Batches of the journals behind the entry of a snapshot. */
function leftAfter({ stream, revision }: Snapshot): number {
  const place = whole.all.findIndex((entry) => entry.stream === stream && entry.revision === revision)
  return whole.all.slice(place + 1).filter(({ type }) => type === 'InputsScreened').length
}

test('a snapshot of other code, of other numbers, of another ledger or with spoilt bytes is passed over, for an older one or the beginning', async () => {
  const ledger = whole.copy()
  const snapshots = new MemorySnapshots()
  await run(ledger, { snapshots, entries: ENTRIES })
  const expected = told(ledger)
  const [newest, older] = snapshots.saved.get('relations') ?? []
  const spoilt: readonly Partial<Snapshot>[] = [
    { formatHash: 'f'.repeat(64) },
    { entryHash: 'f'.repeat(64) },
    { revision: 10_000 },
    { stream: 'screening-009.0000' },
    { state: newest.state.slice(0, newest.state.length / 2) },
    { state: Uint8Array.from([9, ...newest.state.slice(1)]) },
    { state: Uint8Array.from([...newest.state, 0]) },
    { state: Uint8Array.from(newest.state, (byte, at) => (at === 3 ? 0x7d : byte)) },
    {
      state: Buffer.from(
        Buffer.from(newest.state)
          .toString('latin1')
          .replace(/"after":\["\d+","\d+"\]/, '"after":["1","1"]'),
        'latin1',
      ),
    },
  ]
  for (const change of spoilt) {
    const anew = ledger.copy()
    expect(await run(anew, { snapshots: holding({ ...newest, ...change }), entries: ENTRIES })).toHaveLength(ENTRIES)
    expect(told(anew)).toEqual(expected)
  }
  const both = new MemorySnapshots()
  both.saved.set('relations', [{ ...newest, ...spoilt[0] }, older])
  expect(await run(ledger.copy(), { snapshots: both, entries: leftAfter(older) })).toHaveLength(leftAfter(older))
  // Its streams of relations are gone: what they told must be told again.
  const withoutStreams = whole.copy()
  expect(await run(withoutStreams, { snapshots: holding(older), entries: ENTRIES })).toHaveLength(ENTRIES)
  expect(told(withoutStreams)).toEqual(expected)
  const otherNumbers = ledger.copy(whole.all.length)
  expect(await run(otherNumbers, { snapshots: holding(older), entries: ENTRIES, epochMs: 2 * HOUR })).toHaveLength(ENTRIES)
})

test('snapshots keep to their pace: so many inputs, so much time, and twenty times as long as the last one took', async () => {
  const taken = async (snapshotPace: RelationsOptions['snapshotPace'], takesMs: number): Promise<number> => {
    let nowMs = 0
    const snapshots = new MemorySnapshots()
    const save = snapshots.save.bind(snapshots)
    snapshots.save = (name, snapshot) => {
      nowMs += takesMs
      return save(name, snapshot)
    }
    // Each look at the clock is a millisecond later.
    await run(whole.copy(), { snapshots, entries: ENTRIES, snapshotPace, nowMs: () => nowMs++ })
    return snapshots.saved.get('relations')?.length ?? 0
  }
  expect(await taken({ snapshotInputs: 1_000 }, 0)).toBe(0)
  const most = await taken({ snapshotInputs: 1 }, 0)
  expect(await taken({ snapshotInputs: 60 }, 0)).toBe(4)
  expect(await taken({ snapshotInputs: 1_000, snapshotEntries: 12 }, 0)).toBe(4)
  expect(await taken({ snapshotInputs: 1, snapshotSpacing: { minIntervalMs: 10 } }, 0)).toBeLessThan(most / 2)
  expect(await taken({ snapshotInputs: 1, snapshotSpacing: { minIntervalMs: 10 } }, 1_000)).toBe(1)
})

/** A copy of the journals whose subscriptions break after `most` entries; those beyond the first `breaks` last. */
function breakingAfter(most: number, breaks: number): MemoryLedger {
  const ledger = whole.copy()
  const subscribe = ledger.subscribeToAll.bind(ledger)
  ledger.subscribeToAll = async function* (options) {
    const isBreaking = breaks-- > 0
    let left = most
    for await (const message of subscribe(options)) {
      if (isBreaking && left-- === 0) throw new RiskError('ledger-unavailable', 'away', { retriable: true })
      yield message
    }
  }
  return ledger
}

describe('a ledger that is away', () => {
  test('is followed on behind the last entry, each folded once', async () => {
    const undisturbed = whole.copy()
    const entries = await run(undisturbed, { snapshots: new MemorySnapshots(), entries: ENTRIES })
    const ledger = breakingAfter(1, ENTRIES)
    const logger = new KeptLogger()
    const sleep = () => Promise.resolve()
    expect(await run(ledger, { snapshots: new MemorySnapshots(), entries: ENTRIES, logger, sleep })).toEqual(entries)
    expect(told(ledger)).toEqual(told(undisturbed))
    expect(logger.lines).toContainEqual(expect.objectContaining({ level: 'warn', message: 'trying again' }))
  })

  test('ends relations where it stays away', async () => {
    const sleep = () => Promise.resolve()
    const running = run(breakingAfter(0, Infinity), { snapshots: new MemorySnapshots(), entries: ENTRIES, sleep })
    await expect(running).rejects.toMatchObject({ code: 'limit-reached' })
  })

  test('holds up no stop', async () => {
    const stopping = new AbortController()
    const sleep = () => {
      stopping.abort()
      return Promise.reject(Object.assign(new Error('stopped'), { name: 'AbortError' }))
    }
    const { signal } = stopping
    expect(await run(breakingAfter(0, Infinity), { snapshots: new MemorySnapshots(), entries: ENTRIES, sleep, signal })).toEqual([])
  })
})

test('a snapshot that cannot be saved is told of, and relations go on', async () => {
  const snapshots = new MemorySnapshots()
  snapshots.save = () => Promise.reject(new Error('no space left'))
  const logger = new KeptLogger()
  const counted: string[] = []
  const ledger = whole.copy()
  const metrics = { ...NO_METRICS, count: (name: string) => void counted.push(name) }
  expect(await run(ledger, { snapshots, entries: ENTRIES, logger, metrics })).toHaveLength(ENTRIES)
  expect(counted[0]).toBe('riskledger_snapshots_failed_total')
  expect(logger.lines[0]).toMatchObject({ level: 'warn', fields: { reason: 'no space left' } })
})

test('what is passed over is told in metrics, and the first key without room in the log, once', async () => {
  const logger = new KeptLogger()
  const told = new Map<string, number>()
  const metrics: RelationsOptions['metrics'] = {
    ...NO_METRICS,
    gauge: (name, value, labels) => void told.set(`${name} ${labels?.what}`, value),
  }
  const state = { labelDelayMs: 3 * HOUR, labelMemoryMs: 6 * HOUR, alertMemoryMs: 6 * HOUR, maxKeys: 3, maxRemembered: 10 }
  await run(whole.copy(), { snapshots: new MemorySnapshots(), entries: ENTRIES, logger, metrics, state })
  const names = [
    'counterparties-refused',
    'devices-refused',
    'forgotten-early',
    'alerts-forgotten',
    'outcomes-superseded',
    'outcomes-unmatched',
  ]
  expect([...told.keys()].sort()).toEqual(names.map((what) => `riskledger_relations_passed_over ${what}`).sort())
  for (const what of names.slice(0, 3)) expect(told.get(`riskledger_relations_passed_over ${what}`)).toBeGreaterThan(0)
  const warnings = logger.lines.filter(({ message }) => message.includes('no room for another counterparty or device'))
  expect(warnings).toHaveLength(1)
})
