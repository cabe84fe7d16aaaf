import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { crc32c } from './crc32c'
import type { AbortedTransaction, FetchedPartition } from './fetch-protocol'
import { PartitionBuffer, type Taken } from './partition-buffer'
import { BATCH_HEADER_BYTES, CRC_FROM } from './record-batch'
import { storedBatch } from './testing/stored-batch'

const place = { topic: 'payments', partition: 3, kafkaTopic: 'raw.payments' } as const
const ALL = { maxRecords: 1_000, maxBytes: 2 ** 20 }

function fetched(batches: readonly Buffer[], abortedTransactions: readonly AbortedTransaction[] = []): FetchedPartition {
  const end = { highWatermark: 99, lastStableOffset: 99, logStartOffset: 0 }
  return { topic: 'raw.payments', partition: 3, errorCode: 0, ...end, abortedTransactions, batches: Buffer.concat(batches) }
}
/** The batch with the checksum of what it is now. */
function summed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_FROM - 4)
  return batch
}
const valuesOf = ({ records }: Taken): string[] => records.map(({ value }) => Buffer.from(value).toString())

test('gives out records with their offsets and times, within the limits but at least one', async () => {
  const buffer = new PartitionBuffer(place, 10)
  buffer.add(
    fetched([
      storedBatch({ baseOffset: 10, values: ['aaaa', 'bbbb'] }),
      storedBatch({ baseOffset: 12, values: ['cccc'], appendTimeMs: 5_000 }),
    ]),
  )
  expect(buffer.fetchOffset).toBe(13)
  const first = await buffer.take({ maxRecords: 10, maxBytes: 1 })
  expect(first.records).toEqual([
    {
      topic: 'payments',
      partition: 3,
      offset: 10,
      brokerTimeMs: 1_000,
      orderTimeMs: undefined,
      key: null,
      value: new Uint8Array(Buffer.from('aaaa')),
    },
  ])
  expect(first.nextOffset).toBe(11)
  expect(valuesOf(await buffer.take({ maxRecords: 1, maxBytes: 100 }))).toEqual(['bbbb'])
  expect(buffer.unreadTimeMs()).toBe(5_000)
  const last = await buffer.take(ALL)
  expect(last.records[0]).toMatchObject({ offset: 12, brokerTimeMs: 5_000 })
  expect({ bytes: buffer.bytes, next: buffer.nextOffset }).toEqual({ bytes: 0, next: 13 })
  expect(await buffer.take(ALL)).toEqual({ records: [], gaps: [], nextOffset: 13 })
})

test('a batch that began earlier is entered in its middle, without a gap', async () => {
  const buffer = new PartitionBuffer(place, 11)
  buffer.add(fetched([storedBatch({ baseOffset: 9, values: ['a', 'b', 'c', 'd'] })]))
  expect(await buffer.take(ALL)).toMatchObject({ records: [{ offset: 11 }, { offset: 12 }], gaps: [], nextOffset: 13 })
})

test('the last batch may be cut off: it is fetched again', async () => {
  const buffer = new PartitionBuffer(place, 0)
  const next = storedBatch({ baseOffset: 1, values: ['b'] })
  buffer.add(fetched([storedBatch({ baseOffset: 0, values: ['a'] }), next.subarray(0, next.length - 1)]))
  expect(buffer.fetchOffset).toBe(1)
  buffer.add(fetched([next]))
  expect(valuesOf(await buffer.take(ALL))).toEqual(['a', 'b'])
})

test('holes before, between and at the end of batches are compacted, also in a batch without records', async () => {
  const buffer = new PartitionBuffer(place, 0)
  buffer.add(
    fetched([
      storedBatch({ baseOffset: 2, values: ['a'], lastOffsetDelta: 3 }),
      storedBatch({ baseOffset: 8, values: [], lastOffsetDelta: 1 }),
    ]),
  )
  expect(await buffer.take(ALL)).toMatchObject({
    records: [{ offset: 2 }],
    gaps: [
      { fromOffset: 0, toOffset: 2, reason: 'compacted' },
      { fromOffset: 3, toOffset: 10, reason: 'compacted' },
    ],
    nextOffset: 10,
  })
})

test('only the aborted producer is aborted, and only until its marker', async () => {
  const buffer = new PartitionBuffer(place, 5)
  buffer.add(
    fetched(
      [
        storedBatch({ baseOffset: 5, values: ['x'], producerId: 1n, transactional: true }),
        storedBatch({ baseOffset: 6, values: ['good'], producerId: 2n, transactional: true }),
        storedBatch({ baseOffset: 7, values: ['y'], producerId: 3n, transactional: true }),
        storedBatch({ baseOffset: 8, values: ['plain'], producerId: 1n }),
        storedBatch({ baseOffset: 9, values: [], control: 'abort', producerId: 1n }),
        storedBatch({ baseOffset: 10, values: ['later'], producerId: 1n, transactional: true }),
        storedBatch({ baseOffset: 11, values: [], control: 'commit', producerId: 2n }),
        storedBatch({ baseOffset: 12, values: ['z'], producerId: 3n, transactional: true }),
      ],
      // Both began before what was fetched, and they come in no order.
      [
        { producerId: 3n, firstOffset: 4 },
        { producerId: 1n, firstOffset: 2 },
      ],
    ),
  )
  const taken = await buffer.take(ALL)
  expect(valuesOf(taken)).toEqual(['good', 'plain', 'later'])
  expect(taken.gaps).toEqual([
    { fromOffset: 5, toOffset: 6, reason: 'aborted' },
    { fromOffset: 7, toOffset: 8, reason: 'aborted' },
    { fromOffset: 9, toOffset: 10, reason: 'transaction-marker' },
    { fromOffset: 11, toOffset: 12, reason: 'transaction-marker' },
    { fromOffset: 12, toOffset: 13, reason: 'aborted' },
  ])
})

test('a record whose key looks like an abort marker ends nothing', async () => {
  const buffer = new PartitionBuffer(place, 0)
  buffer.add(
    fetched(
      [
        storedBatch({ baseOffset: 0, values: [], control: 'commit', producerId: 1n }),
        storedBatch({ baseOffset: 1, values: ['x'], producerId: 1n, transactional: true }),
        storedBatch({ baseOffset: 2, values: ['y'], producerId: 1n, transactional: true }),
      ],
      [{ producerId: 1n, firstOffset: 1 }],
    ),
  )
  expect((await buffer.take(ALL)).gaps).toEqual([
    { fromOffset: 0, toOffset: 1, reason: 'transaction-marker' },
    { fromOffset: 1, toOffset: 3, reason: 'aborted' },
  ])
})

test('however it is taken, each offset is given out once, in order', async () => {
  const part = fc.record({
    count: fc.integer({ min: 0, max: 4 }),
    hole: fc.integer({ min: 0, max: 2 }),
    kind: fc.constantFrom('plain', 'aborted', 'marker'),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
      async (parts, sizes) => {
        const buffer = new PartitionBuffer(place, 0)
        let baseOffset = 0
        for (const { count, hole, kind } of parts) {
          baseOffset += hole
          const values = Array.from({ length: count }, (_, i) => String(i))
          const batch =
            kind === 'marker'
              ? storedBatch({ baseOffset, values: [], control: 'commit', producerId: 9n })
              : storedBatch({ baseOffset, values, producerId: 1n, transactional: kind === 'aborted' })
          buffer.add(fetched([batch], kind === 'aborted' ? [{ producerId: 1n, firstOffset: baseOffset }] : []))
          baseOffset = buffer.fetchOffset
        }
        const covered: number[] = []
        for (let i = 0; buffer.nextOffset < baseOffset; i++) {
          const from = buffer.nextOffset
          const { records, gaps, nextOffset } = await buffer.take({ maxRecords: sizes[i % sizes.length], maxBytes: 100 })
          const offsets = [
            ...records.map(({ offset }) => [offset, offset + 1]),
            ...gaps.map(({ fromOffset, toOffset }) => [fromOffset, toOffset]),
          ]
          offsets.sort(([a], [b]) => a - b)
          for (const [start, end] of offsets) for (let offset = start; offset < end; offset++) covered.push(offset)
          expect(nextOffset).toBeGreaterThan(from)
          expect(covered.length).toBe(nextOffset)
        }
        expect(covered).toEqual(Array.from({ length: baseOffset }, (_, offset) => offset))
        expect(buffer.bytes).toBe(0)
      },
    ),
  )
})

describe('what cannot be read', () => {
  const compressed = (compression: number, records: Buffer): Buffer => {
    const plain = storedBatch({ baseOffset: 0, values: ['a'], compression })
    const bytes = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), records])
    bytes.writeInt32BE(bytes.length - 12, 8)
    return summed(bytes)
  }

  test.each([
    [3, 'lz4'],
    [4, 'zstd'],
  ])('compression %i is named, with its place', async (compression, name) => {
    const buffer = new PartitionBuffer(place, 0)
    buffer.add(fetched([compressed(compression, Buffer.alloc(20))]))
    await expect(buffer.take(ALL)).rejects.toMatchObject({
      code: 'configuration-invalid',
      retriable: false,
      context: { topic: 'raw.payments', partition: 3, offset: 0, compression: name },
    })
  })

  test('damaged or oversized compressed records are a damaged log', async () => {
    for (const records of [Buffer.from('no gzip'), gzipSync(Buffer.alloc(65 * 1024 * 1024))]) {
      const buffer = new PartitionBuffer(place, 0)
      buffer.add(fetched([compressed(1, records)]))
      await expect(buffer.take(ALL)).rejects.toMatchObject({ code: 'log-corrupt', retriable: false })
    }
    const buffer = new PartitionBuffer(place, 0)
    buffer.add(fetched([compressed(2, Buffer.alloc(2 * 1024 * 1024))]))
    await expect(buffer.take(ALL)).rejects.toMatchObject({ code: 'log-corrupt' })
  })

  test('a batch of which any guarded byte differs is a damaged log, and what lies before it is given out', async () => {
    const before = storedBatch({ baseOffset: 4, values: ['a', 'b'] })
    for (const batch of [
      storedBatch({ baseOffset: 6, values: ['c'] }),
      storedBatch({ baseOffset: 6, values: ['c'], transactional: true }),
      storedBatch({ baseOffset: 6, values: [], control: 'commit' }),
    ]) {
      for (let at = CRC_FROM - 4; at < batch.length; at++) {
        const altered = Buffer.from(batch)
        altered[at] ^= 1 << (at % 8)
        const buffer = new PartitionBuffer(place, 4)
        buffer.add(fetched([before, altered, storedBatch({ baseOffset: 7, values: ['d'] })]))
        expect(valuesOf(await buffer.take({ ...ALL, maxRecords: 2 }))).toEqual(['a', 'b'])
        // As often as it is asked.
        for (let times = 0; times < 2; times++)
          await expect(buffer.take(ALL)).rejects.toMatchObject({
            code: 'log-corrupt',
            retriable: false,
            context: { topic: 'raw.payments', partition: 3, offset: 6 },
            message: expect.stringMatching(
              /raw\.payments, partition 3, that begins at offset 6 carries the checksum [0-9a-f]{8}, .*kafka-dump-log/,
            ),
          })
      }
    }
  })

  test('a fetch without one whole batch, another format, and records that are cut off', async () => {
    const batch = storedBatch({ baseOffset: 0, values: ['a', 'b'] })
    const corrupt = expect.objectContaining({ code: 'log-corrupt', retriable: false })
    expect(() => new PartitionBuffer(place, 0).add(fetched([batch.subarray(0, 40)]))).toThrow(corrupt)
    const other = Buffer.from(batch)
    other[16] = 1
    expect(() => new PartitionBuffer(place, 0).add(fetched([other]))).toThrow(corrupt)
    const claims = Buffer.from(batch)
    claims.writeInt32BE(5, 57)
    summed(claims)
    const buffer = new PartitionBuffer(place, 0)
    buffer.add(fetched([claims]))
    await expect(buffer.take(ALL)).rejects.toEqual(corrupt)
  })
})
