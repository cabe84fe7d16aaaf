import fc from 'fast-check'
import { type ProposedRecord, type RecordColumns, recordsOf } from '@riskledger/contracts'
import { encodeBatches, type OpenBatch, sealBatch, StoredBatch } from './batch-codec'
import { planBatches } from './batch-plan'
import { columnsOf } from './columns-of'

const records = fc.array(
  fc.record({
    topic: fc.constant('logins' as const),
    partition: fc.constant(3),
    brokerTimeMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    orderTimeMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 }), { nil: undefined }),
    key: fc.option(fc.uint8Array({ maxLength: 40 })),
    value: fc.uint8Array({ maxLength: 80 }),
  }),
  { minLength: 1, maxLength: 40 },
)

const LIMITS = { partitionCount: 4, maxRecordBytes: 1_000, maxBatchRecords: 100, maxBatchBytes: 10_000 }
const hexOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

function encodeAll(columns: RecordColumns, limits = LIMITS) {
  const batchOf = new Uint32Array(columns.count)
  const batches = planBatches(columns, batchOf, limits)
  encodeBatches(columns, { batches, batchOf })
  return { batches, batchOf }
}

/** The one batch of records that all fit into one. */
function encodeBatch(batch: readonly ProposedRecord[]): OpenBatch {
  const { batches } = encodeAll(columnsOf(batch))
  if (batches.length !== 1 || batches[0].encoded === undefined) throw new Error(`${batches.length} batches`)
  return batches[0].encoded
}

test('a batch read back holds what was put in', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 2 ** 47 }), fc.constantFrom('as is', 'none', 'equal'), (given, baseOffset, order) => {
      const batch = given.map((record) => ({
        ...record,
        orderTimeMs: order === 'none' ? undefined : order === 'equal' ? record.brokerTimeMs : record.orderTimeMs,
      }))
      const stored = StoredBatch.open(Uint8Array.from(sealBatch(encodeBatch(batch), baseOffset)), baseOffset)
      expect(stored?.endOffset).toBe(baseOffset + batch.length)
      batch.forEach((record, i) => {
        const found = stored?.record('logins', 3, baseOffset + i)
        expect({ ...found, key: hexOf(found?.key ?? null), value: hexOf(found?.value ?? null) }).toEqual({
          ...record,
          offset: baseOffset + i,
          key: hexOf(record.key),
          value: hexOf(record.value),
        })
        expect(stored?.valueBytes(baseOffset + i)).toBe(record.value.length)
      })
    }),
    { numRuns: 200 },
  )
})

test('any changed byte and any cut is found out', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, place, change) => {
      const sealed = Uint8Array.from(sealBatch(encodeBatch(batch), 7))
      expect(StoredBatch.open(sealed.slice(0, place % sealed.length), 7)).toBeUndefined()
      expect(StoredBatch.open(sealed, 8)).toBeUndefined()
      sealed[place % sealed.length] ^= change
      expect(StoredBatch.open(sealed, 7)).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

const mixed = fc.array(
  fc.record({
    topic: fc.constantFrom('payments' as const, 'outcomes' as const, 'unparsable' as const),
    partition: fc.integer({ min: 0, max: 3 }),
    brokerTimeMs: fc.integer({ min: 0, max: 9 }),
    orderTimeMs: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    key: fc.option(fc.uint8Array({ maxLength: 40 })),
    value: fc.uint8Array({ maxLength: 500 }),
  }),
  { maxLength: 60 },
)

test('columns are their records, one by one', () => {
  fc.assert(
    fc.property(mixed, (records) => {
      const plain = (record: ProposedRecord) => ({ ...record, key: hexOf(record.key), value: hexOf(record.value) })
      expect(recordsOf(columnsOf(records)).map(plain)).toEqual(records.map(plain))
    }),
  )
})

test('records of many topics and partitions at once lie as each batch alone would', () => {
  fc.assert(
    fc.property(mixed, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2_000 }), (records, maxBatchRecords, maxBatchBytes) => {
      const { batches, batchOf } = encodeAll(columnsOf(records), { ...LIMITS, maxBatchRecords, maxBatchBytes })
      batches.forEach((batch, at) => {
        const own = records.filter((_record, i) => batchOf[i] === at)
        expect(own.length).toBe(batch.count)
        expect(own.every(({ topic, partition }) => topic === own[0].topic && partition === own[0].partition)).toBe(true)
        expect(own.length).toBeLessThanOrEqual(maxBatchRecords)
        expect(batch.dataBytes <= maxBatchBytes || own.length === 1).toBe(true)
        expect(batch.encoded && hexOf(sealBatch(batch.encoded, 7))).toBe(hexOf(sealBatch(encodeBatch(own), 7)))
      })
    }),
    { numRuns: 200 },
  )
})
