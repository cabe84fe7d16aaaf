import fc from 'fast-check'
import type { ProposedRecord } from '@riskledger/contracts'
import { encodeBatch, sealBatch, StoredBatch } from './batch-codec'

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

const bytesOf = (batch: readonly ProposedRecord[]): number =>
  batch.reduce((sum, { key, value }) => sum + value.length + (key?.length ?? 0), 0)
const hexOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

test('a batch read back holds what was put in', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 2 ** 47 }), fc.constantFrom('as is', 'none', 'equal'), (given, baseOffset, order) => {
      const batch = given.map((record) => ({
        ...record,
        orderTimeMs: order === 'none' ? undefined : order === 'equal' ? record.brokerTimeMs : record.orderTimeMs,
      }))
      const stored = StoredBatch.open(Uint8Array.from(sealBatch(encodeBatch(batch, bytesOf(batch)), baseOffset)), baseOffset)
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
      const sealed = Uint8Array.from(sealBatch(encodeBatch(batch, bytesOf(batch)), 7))
      expect(StoredBatch.open(sealed.slice(0, place % sealed.length), 7)).toBeUndefined()
      expect(StoredBatch.open(sealed, 8)).toBeUndefined()
      sealed[place % sealed.length] ^= change
      expect(StoredBatch.open(sealed, 7)).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})
