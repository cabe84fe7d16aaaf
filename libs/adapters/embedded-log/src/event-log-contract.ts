import { type EventLog, type LogRecord, NO_KEY, type ProposedRecord, type SourceProgress } from '@riskledger/contracts'

/** A log under test, and the ways in which a test looks at it again. */
export interface EventLogFixture {
  readonly log: EventLog
  /** Another handle on the same log, as another thread or process would have one; the fixture closes it. */
  openAnother(): Promise<EventLog>
  /** Closes everything and removes what was made. */
  dispose(): Promise<void>
}

/** A record with defaults that no test depends on. */
export function proposedRecord(part: Partial<ProposedRecord>): ProposedRecord {
  return {
    topic: 'payments',
    partition: 0,
    brokerTimeMs: 1_700_000_000_000,
    orderTimeMs: undefined,
    key: null,
    value: new Uint8Array(0),
    ...part,
  }
}

/** Everything of a topic and partition, fetched in steps of `maxRecords`. */
export async function fetchAll(
  log: EventLog,
  from: { readonly topic: LogRecord['topic']; readonly partition: number; readonly maxRecords?: number },
): Promise<LogRecord[]> {
  const { topic, partition, maxRecords = 1_000 } = from
  const records: LogRecord[] = []
  let fromOffset = (await log.range(topic, partition)).start
  for (;;) {
    const response = await log.fetch({ topic, partition, fromOffset, maxRecords, maxBytes: 2 ** 30 })
    records.push(...response.records)
    if (response.nextOffset === fromOffset) return records
    fromOffset = response.nextOffset
  }
}

/**
 * What every `EventLog` promises, as Jest tests; run on each implementation. `open` makes a new, empty log of the partitions asked for;
 * say `progress: false` for a log that keeps none, and no order times either.
 */
export function describeEventLogContract(
  name: string,
  open: (options: { readonly partitionCount: number }) => Promise<EventLogFixture>,
  { progress: keepsProgress }: { readonly progress: boolean },
): void {
  describe(`EventLog contract: ${name}`, () => {
    let fixture: EventLogFixture
    beforeEach(async () => {
      fixture = await open({ partitionCount: 2 })
    })
    afterEach(async () => {
      await fixture.dispose()
    })

    test('gives back what was appended, in order, byte for byte', async () => {
      const { log } = fixture
      const records = [
        proposedRecord({ key: Buffer.from('account-1'), value: Uint8Array.of(1, 2, 3), orderTimeMs: 1_600_000_000_000 }),
        proposedRecord({ key: null, value: Uint8Array.of(4) }),
        proposedRecord({ key: new Uint8Array(0), value: Uint8Array.of(5), brokerTimeMs: 1_700_000_000_001 }),
        proposedRecord({ key: Buffer.from('x'.repeat(300)), value: Buffer.alloc(70_000, 6) }),
      ]
      expect(await log.append(records)).toEqual([0, 1, 2, 3])
      const found = await fetchAll(log, { topic: 'payments', partition: 0 })
      expect(found.map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
      expect(found.map(({ brokerTimeMs }) => brokerTimeMs)).toEqual(records.map(({ brokerTimeMs }) => brokerTimeMs))
      expect(found.map(({ orderTimeMs }) => orderTimeMs)).toEqual(
        records.map(({ orderTimeMs }) => (keepsProgress ? orderTimeMs : undefined)),
      )
      expect(found.map(({ key }) => (key === null ? null : Buffer.from(key).toString('hex')))).toEqual(
        records.map(({ key }) => (key === null ? null : Buffer.from(key).toString('hex'))),
      )
      expect(found.map(({ value }) => Buffer.from(value).toString('hex'))).toEqual(
        records.map(({ value }) => Buffer.from(value).toString('hex')),
      )
    })

    test('takes columns as it takes their records, and copies them before it returns', async () => {
      const { log } = fixture
      const records = [
        proposedRecord({ key: Buffer.from('account-1'), value: Uint8Array.of(1, 2, 3), orderTimeMs: 1_600_000_000_000 }),
        proposedRecord({ topic: 'outcomes', partition: 1, key: Buffer.from('x'), value: Uint8Array.of(4), orderTimeMs: 1_700_000_000_000 }),
        proposedRecord({ topic: 'unparsable', key: null, value: Uint8Array.of(5), orderTimeMs: 1_700_000_000_000 }),
        proposedRecord({ key: new Uint8Array(0), value: Buffer.alloc(2_000, 6) }),
      ]
      const columns = {
        count: 4,
        topics: Uint8Array.of(0, 5, 9, 0, 99),
        partitions: Uint32Array.of(0, 1, 0, 0, 99),
        brokerTimesMs: Float64Array.from(records, ({ brokerTimeMs }) => brokerTimeMs),
        orderTimesMs: Float64Array.from(records, ({ orderTimeMs }) => orderTimeMs ?? NaN),
        bytes: Buffer.concat([...records.flatMap(({ key, value }) => [key ?? new Uint8Array(0), value]), Buffer.alloc(9)]),
        keyEnds: Uint32Array.of(9, 13, NO_KEY, 15),
        ends: Uint32Array.of(12, 14, 15, 2_015),
      }
      const appended = log.appendColumns(columns)
      columns.bytes.fill(99)
      await appended
      await log.append(records)
      const plain = ({ offset: _, ...record }: LogRecord) => ({ ...record, key: record.key && [...record.key], value: [...record.value] })
      for (const [topic, partition, count] of [
        ['payments', 0, 2],
        ['outcomes', 1, 1],
        ['unparsable', 0, 1],
      ] as const) {
        const found = (await fetchAll(log, { topic, partition })).map(plain)
        expect(found).toHaveLength(2 * count)
        expect(found.slice(0, count)).toEqual(found.slice(count))
      }
    })

    test('numbers each topic and partition on its own, also within one append', async () => {
      const { log } = fixture
      const records = [
        proposedRecord({ topic: 'payments', partition: 0 }),
        proposedRecord({ topic: 'logins', partition: 0 }),
        proposedRecord({ topic: 'payments', partition: 1 }),
        proposedRecord({ topic: 'payments', partition: 0 }),
        proposedRecord({ topic: 'unparsable', partition: 1 }),
      ]
      expect(await log.append(records)).toEqual([0, 0, 0, 1, 0])
      expect(await log.append(records)).toEqual([2, 1, 1, 3, 1])
      expect(await log.range('payments', 0)).toEqual({ start: 0, end: 4 })
      expect(await log.range('answers', 0)).toEqual({ start: 0, end: 0 })
    })

    test('appends in flight at once keep the order in which they were made', async () => {
      const { log } = fixture
      const offsets = await Promise.all(Array.from({ length: 50 }, (_, i) => log.append([proposedRecord({ value: Uint8Array.of(i) })])))
      expect(offsets.flat()).toEqual(Array.from({ length: 50 }, (_, i) => i))
      expect((await fetchAll(log, { topic: 'payments', partition: 0, maxRecords: 7 })).map(({ value }) => value[0])).toEqual(offsets.flat())
    })

    test("the bytes given to append are the caller's again at once", async () => {
      const { log } = fixture
      const value = Uint8Array.of(1)
      const appended = log.append([proposedRecord({ value })])
      value[0] = 9
      await appended
      expect((await fetchAll(log, { topic: 'payments', partition: 0 }))[0].value[0]).toBe(1)
    })

    test('a fetch keeps its limits, gives at least one record, and says where to go on', async () => {
      const { log } = fixture
      await log.append(Array.from({ length: 10 }, (_, i) => proposedRecord({ value: Buffer.alloc(100, i) })))
      const fetch = (fromOffset: number, maxRecords: number, maxBytes: number) =>
        log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords, maxBytes })
      expect(await fetch(2, 3, 10_000)).toMatchObject({ nextOffset: 5, highWatermark: 10, gaps: [] })
      expect((await fetch(2, 100, 250)).records).toHaveLength(2)
      expect((await fetch(2, 100, 10)).records).toHaveLength(1)
      expect(await fetch(10, 100, 10_000)).toEqual({ records: [], nextOffset: 10, highWatermark: 10, gaps: [] })
    })

    test('an offset outside the log is refused, and names itself', async () => {
      const { log } = fixture
      await log.append([proposedRecord({})])
      for (const fromOffset of [2, -1, NaN])
        await expect(log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords: 1, maxBytes: 1 })).rejects.toMatchObject({
          code: 'offset-out-of-range',
          retriable: false,
          context: { topic: 'payments', partition: 0, offset: fromOffset, start: 0, end: 1 },
        })
    })

    test('another handle sees what was appended, and a wait for it ends', async () => {
      const another = await fixture.openAnother()
      const waited = another.changed(30_000)
      await fixture.log.append([proposedRecord({ value: Uint8Array.of(7) })])
      await waited
      expect((await fetchAll(another, { topic: 'payments', partition: 0 }))[0].value[0]).toBe(7)
    })

    test('a wait sees a change that came between two waits', async () => {
      const { log } = fixture
      await log.append([proposedRecord({})])
      await log.changed(30_000)
      await log.append([proposedRecord({})])
      await log.changed(30_000)
    })

    test('a wait ends by its timeout and by its signal', async () => {
      await fixture.log.changed(1)
      const controller = new AbortController()
      const waited = fixture.log.changed(30_000, controller.signal)
      controller.abort()
      await waited
    })

    if (!keepsProgress) return

    test('progress is kept with its records, and sources come in order of their start', async () => {
      const { log } = fixture
      const source = (sourceId: string, emissions: number, done = false): SourceProgress => ({
        sourceId,
        emissions,
        orderTimeMs: 5 * emissions,
        startedAtMs: 17,
        done,
      })
      await Promise.all([
        log.append([proposedRecord({})], source('second-name', 1)),
        log.append([proposedRecord({})], source('first-name', 1)),
      ])
      await log.append([proposedRecord({})], source('second-name', 2))
      await log.append([], source('second-name', 2, true))
      expect(await log.sources()).toEqual([source('second-name', 2, true), source('first-name', 1)])
      expect(await (await fixture.openAnother()).sources()).toEqual(await log.sources())
    })
  })
}
