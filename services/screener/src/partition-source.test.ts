import { RAW_TOPICS, RiskError, type ProposedRecord, type RawTopic } from '@riskledger/contracts'
import type { InputBatch } from '@riskledger/screening'
import { MemoryEventLog } from '@riskledger/testing'
import { PartitionSource, type EpochGate, type PartitionSourceOptions } from './partition-source'

const OPEN: EpochGate = {
  caughtUp: () => true,
  epochMs: 100,
  epochsInBatch: 1_000,
  open: () => true,
  willOpen: () => false,
  changed: () => Promise.resolve(),
}
const SOURCE = { sourceId: 's', emissions: 0, startedAtMs: 0, done: false }

function live(topic: RawTopic, atMs: number, partition = 0): ProposedRecord {
  return { topic, partition, brokerTimeMs: atMs, orderTimeMs: undefined, key: null, value: new Uint8Array(3) }
}

function ofFile(topic: RawTopic, orderTimeMs: number, partition = 0): ProposedRecord {
  return { ...live(topic, orderTimeMs, partition), orderTimeMs }
}

function sourceOn(log: MemoryEventLog, part: Partial<PartitionSourceOptions> = {}): PartitionSource {
  return new PartitionSource({
    log,
    partition: 0,
    topics: RAW_TOPICS,
    nextOffsets: RAW_TOPICS.map(() => 0),
    gate: OPEN,
    nowMs: () => 9_000,
    tickMs: 0,
    onWait: () => undefined,
    onIdle: () => undefined,
    batchInputs: 4_096,
    crashPoint: () => undefined,
    ...part,
  })
}

const names = (batch: InputBatch | undefined): string[] => batch!.items.map(({ record }) => `${record.topic}@${record.offset}`)
const never = new AbortController().signal

test('merges the topics of its partition by time, and ticks with the wall clock once it has caught up', async () => {
  const log = new MemoryEventLog(2)
  await log.append([live('logins', 20), live('payments', 30), live('payments', 10, 1), live('payments', 40), live('logins', 35)])
  const batch = await sourceOn(log).pull(never)
  expect(names(batch)).toEqual(['logins@0', 'payments@0', 'logins@1', 'payments@1'])
  expect(batch!.tickMs).toBe(9_000)
})

test('while records wait, the tick is the time of the first of them', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10), live('logins', 25), live('payments', 40)])
  const source = sourceOn(log, { batchInputs: 1 })
  const ticks: (number | undefined)[] = []
  for (let i = 0; i < 3; i++) ticks.push((await source.pull(never))!.tickMs)
  expect(ticks).toEqual([25, 40, 9_000])
})

test('the first batch is small, and each later one may be twice as large', async () => {
  const log = new MemoryEventLog()
  await log.append(Array.from({ length: 2_500 }, (_, at) => live('payments', at)))
  const source = sourceOn(log, { batchInputs: 1_500 })
  const sizes: number[] = []
  for (let left = 2_500; left > 0; left -= sizes.at(-1)!) sizes.push((await source.pull(never))!.items.length)
  expect(sizes).toEqual([256, 512, 1_024, 708])
  await log.append(Array.from({ length: 2_000 }, (_, at) => live('payments', 3_000 + at)))
  expect((await source.pull(never))!.items).toHaveLength(1_500)
})

test('of a file that is being read nothing goes at or past what it has announced; the tick of a file is its own', async () => {
  const log = new MemoryEventLog()
  await log.append([ofFile('payments', 10), ofFile('logins', 20), ofFile('payments', 30)], { ...SOURCE, orderTimeMs: 30 })
  const source = sourceOn(log)
  const first = await source.pull(never)
  expect(names(first)).toEqual(['payments@0', 'logins@0'])
  expect(first!.tickMs).toBeUndefined()
  const pulling = source.pull(never)
  await log.append([ofFile('logins', 40)], { ...SOURCE, orderTimeMs: 50, done: true })
  expect(names(await pulling)).toEqual(['payments@1', 'logins@1'])
})

test('no input is given out before everything has been read that was learned before the start', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10)])
  let caughtUp = false
  let wake = (): void => undefined
  const source = sourceOn(log, { gate: { ...OPEN, caughtUp: () => caughtUp, changed: () => new Promise((resolve) => (wake = resolve)) } })
  let pulled = false
  const pulling = source.pull(never).then((batch) => ((pulled = true), batch))
  for (let i = 0; i < 50; i++) await Promise.resolve()
  wake()
  for (let i = 0; i < 50; i++) await Promise.resolve()
  expect(pulled).toBe(false)
  caughtUp = true
  wake()
  expect(names(await pulling)).toEqual(['payments@0'])
})

test('an input of a file waits for its epoch; before it waits it tells once how far it is', async () => {
  const log = new MemoryEventLog()
  await log.append([ofFile('payments', 10), ofFile('payments', 250)], { ...SOURCE, orderTimeMs: 300, done: true })
  let through = 100
  let wake = (): void => undefined
  const gate: EpochGate = {
    caughtUp: () => true,
    epochMs: 100,
    epochsInBatch: 1_000,
    open: (orderTimeMs) => orderTimeMs <= through,
    willOpen: () => false,
    changed: () => new Promise((resolve) => (wake = resolve)),
  }
  const source = sourceOn(log, { gate })
  expect(names(await source.pull(never))).toEqual(['payments@0'])
  expect(await source.pull(never)).toEqual({ items: [], gaps: [], tickMs: 250 })
  let pulled = false
  const pulling = source.pull(never).then((batch) => ((pulled = true), batch))
  for (let i = 0; i < 50; i++) await Promise.resolve()
  expect(pulled).toBe(false)
  through = 300
  wake()
  expect(names(await pulling)).toEqual(['payments@1'])
})

test('a batch that would be short waits for the epochs that what was given out will open, not for others', async () => {
  const log = new MemoryEventLog()
  const records = [10, 110, 210, 310, 410].map((atMs) => ofFile('payments', atMs))
  await log.append(records, { ...SOURCE, orderTimeMs: 500, done: true })
  let through = 10
  let wake = (): void => undefined
  const gate: EpochGate = {
    caughtUp: () => true,
    epochMs: 100,
    epochsInBatch: 2,
    open: (orderTimeMs) => orderTimeMs <= through,
    willOpen: (orderTimeMs, reachedMs) => orderTimeMs <= reachedMs + 200,
    changed: () => new Promise((resolve) => (wake = resolve)),
  }
  const source = sourceOn(log, { gate })
  let pulled: string[] = []
  const pulling = source.pull(never).then((batch) => (pulled = names(batch)))
  for (let i = 0; i < 50; i++) await Promise.resolve()
  expect(pulled).toEqual([])
  through = 150
  wake()
  expect(await pulling).toEqual(['payments@0', 'payments@1'])
  // The batch from 210 on reaches to 300, which 110 will open; that it is open to 290 is not enough yet.
  const next = source.pull(never).then((batch) => (pulled = names(batch)))
  through = 290
  wake()
  for (let i = 0; i < 50; i++) await Promise.resolve()
  expect(pulled).toEqual(['payments@0', 'payments@1'])
  through = 390
  wake()
  expect(await next).toEqual(['payments@2', 'payments@3'])
})

test('with several partitions, one without inputs tells the progress of the file, once an epoch', async () => {
  const log = new MemoryEventLog(2)
  await log.append([ofFile('payments', 350, 1)], { ...SOURCE, orderTimeMs: 350 })
  const source = sourceOn(log)
  expect(await source.pull(never)).toEqual({ items: [], gaps: [], tickMs: 350 })
  const stopping = new AbortController()
  const pulling = source.pull(stopping.signal)
  stopping.abort()
  expect(await pulling).toBeUndefined()
})

test('tells when everything has been given out, and where it stands', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10), live('payments', 11), live('logins', 12)])
  const idle: (readonly number[])[] = []
  const source = sourceOn(log, { onIdle: (nextOffsets) => idle.push([...nextOffsets]) })
  await source.pull(never)
  const pulling = source.pull(never)
  for (let i = 0; i < 100; i++) await Promise.resolve()
  // Looking again finds it as idle as before.
  expect(idle[0]).toEqual(RAW_TOPICS.map((topic) => (topic === 'payments' ? 2 : topic === 'logins' ? 1 : 0)))
  expect(new Set(idle.map(String)).size).toBe(1)
  await log.append([live('payments', 13)])
  expect(names(await pulling)).toEqual(['payments@2'])
})

describe('says that it waits', () => {
  async function waits(log: MemoryEventLog, gate: Partial<EpochGate>): Promise<readonly (readonly number[])[]> {
    const waiting: (readonly number[])[] = []
    const stopping = new AbortController()
    const changed = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    const source = sourceOn(log, { gate: { ...OPEN, changed, ...gate }, onWait: (nextOffsets) => waiting.push([...nextOffsets]) })
    // The first may be a batch that only tells how far it is.
    const pulling = source.pull(stopping.signal).then(() => source.pull(stopping.signal))
    for (let i = 0; i < 100; i++) await Promise.resolve()
    stopping.abort()
    await pulling
    return waiting
  }
  const NOTHING_GIVEN_OUT = RAW_TOPICS.map(() => 0)

  test('for input', async () => {
    expect((await waits(new MemoryEventLog(), {}))[0]).toEqual(NOTHING_GIVEN_OUT)
  })

  test.each([true, false])(
    'for relations that have yet to learn what its input may know (by what is given out alone: %s)',
    async (willOpen) => {
      const log = new MemoryEventLog()
      await log.append([ofFile('payments', 10_000)])
      expect((await waits(log, { open: () => false, willOpen: () => willOpen }))[0]).toEqual(NOTHING_GIVEN_OUT)
    },
  )

  test('not while it has yet to read what was learned before its start', async () => {
    const log = new MemoryEventLog()
    await log.append([live('payments', 10)])
    expect(await waits(log, { caughtUp: () => false })).toEqual([])
  })
})

test('a gap is told once everything before it has been given out, not earlier, also at the end of the log', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10), live('payments', 11)])
  log.skip('payments', 0, 2)
  await log.append([live('payments', 12)])
  log.skip('payments', 0, 1)
  const idle: number[] = []
  const source = sourceOn(log, { batchInputs: 1, onIdle: (nextOffsets) => idle.push(nextOffsets[0]) })
  const told: [string[], number[]][] = []
  for (let i = 0; i < 3; i++) {
    const batch = await source.pull(never)
    told.push([names(batch), batch!.gaps.map(({ fromOffset }) => fromOffset)])
  }
  expect(told).toEqual([
    [['payments@0'], []],
    [['payments@1'], [2]],
    [['payments@4'], [5]],
  ])
  const stopping = new AbortController()
  const pulling = source.pull(stopping.signal)
  for (let i = 0; i < 100; i++) await Promise.resolve()
  stopping.abort()
  await pulling
  expect(new Set(idle)).toEqual(new Set([6]))
})

test('more gaps than a batch holds go out in batches of their own, in order, before the record behind them; none is lost', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10)])
  for (let i = 0; i < 10_000; i++) log.skip('payments', 0, 1)
  await log.append([live('payments', 11)])
  for (let i = 0; i < 5_000; i++) log.skip('payments', 0, 1)
  await log.append([live('logins', 12)])
  const source = sourceOn(log)
  const told: string[] = []
  const offsets: number[] = []
  while (offsets.length < 15_002) {
    const batch = (await source.pull(never))!
    expect(batch.gaps.length).toBeLessThanOrEqual(4_096)
    told.push(...names(batch))
    const ofPayments = batch.items.flatMap(({ record }) => (record.topic === 'payments' ? [record.offset] : []))
    offsets.push(...[...ofPayments, ...batch.gaps.map(({ fromOffset }) => fromOffset)].sort((a, b) => a - b))
  }
  expect(told.toSorted()).toEqual(['logins@0', 'payments@0', 'payments@10001'])
  expect(offsets).toEqual(Array.from({ length: 15_002 }, (_, offset) => offset))
})

test('begins where the journal ends, and stops where the log does not reach so far', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10), live('payments', 11)])
  const nextOffsets = RAW_TOPICS.map((topic) => (topic === 'payments' ? 1 : 0))
  expect(names(await sourceOn(log, { nextOffsets }).pull(never))).toEqual(['payments@1'])
  const beyond = RAW_TOPICS.map((topic) => (topic === 'payments' ? 3 : 0))
  await expect(sourceOn(log, { nextOffsets: beyond }).pull(never)).rejects.toMatchObject({ code: 'offset-out-of-range' })
})

test('a fetch that fails in the middle of a batch loses nothing: what was taken goes out, and the next pull meets the failure', async () => {
  const log = new MemoryEventLog()
  await log.append([live('payments', 10), live('logins', 20), live('payments', 30)])
  const fetch = log.fetch.bind(log)
  let refusing = false
  log.fetch = async (request) => {
    if (refusing) throw new RiskError('log-unavailable', 'the log does not answer', { retriable: true })
    const response = await fetch({ ...request, maxRecords: 1 })
    refusing = request.topic === 'unparsable'
    return response
  }
  const source = sourceOn(log)
  expect(names(await source.pull(never))).toEqual(['payments@0'])
  await expect(source.pull(never)).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  log.fetch = fetch
  expect(names(await source.pull(never))).toEqual(['logins@0', 'payments@1'])
})

test.each(['before anything was taken', 'in the middle of a batch'])(
  'an import that begins while topics are fetched, %s, keeps its order',
  async (when) => {
    const log = new MemoryEventLog()
    const early = when === 'before anything was taken'
    if (!early) await log.append([live('logins', 500)])
    const fetch = log.fetch.bind(log)
    let fetches = 0
    log.fetch = async (request) => {
      const response = await fetch(request)
      // The first topic was found empty, and a later one is not: by then an import had begun that put records into both.
      if (request.topic === 'payments' && fetches++ === 0 && early) await begin()
      if (request.topic === 'logins' && response.records[0]?.offset === 0 && !early) await begin()
      return response
    }
    const begin = (): Promise<unknown> =>
      log.append([ofFile('payments', 1_000), ofFile('logins', 1_001)], { ...SOURCE, emissions: 2, orderTimeMs: 1_001 })
    const source = sourceOn(log)
    const given: string[] = []
    while (given.at(-1) !== 'payments@0') given.push(...names(await source.pull(never)))
    expect(given).toEqual(early ? ['payments@0'] : ['logins@0', 'payments@0'])
  },
)
