import { partitionFor, recordsOf } from '@riskledger/contracts'
import fc from 'fast-check'
import type { Emission } from './emission'
import { EmissionBlock } from './emission-block'
import { RecordBatch } from './record-batch'
import { emissionsOf } from './testing/emissions-of'

const event = fc.record({
  topic: fc.constantFrom('payments' as const, 'outcomes' as const),
  eventTimeMs: fc.nat(),
  accountId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  value: fc.uint8Array({ maxLength: 3_000 }),
  rejection: fc.constant(null),
})
const refused = fc.record({
  topic: fc.constant('unparsable' as const),
  eventTimeMs: fc.constant(NaN),
  accountId: fc.constant(null),
  value: fc.uint8Array({ maxLength: 10 }),
  rejection: fc.record({ file: fc.constant('f'), line: fc.nat(), message: fc.string() }),
})
const emissions: fc.Arbitrary<Emission[]> = fc.array(fc.oneof({ weight: 4, arbitrary: event }, { weight: 1, arbitrary: refused }), {
  maxLength: 60,
})

test('a block holds what was pushed into it, and what was copied from another', () => {
  const block = new EmissionBlock()
  const other = new EmissionBlock()
  fc.assert(
    fc.property(emissions, (given) => {
      block.clear()
      other.clear()
      for (const emission of given) block.push(emission)
      for (let i = given.length - 1; i >= 0; i--) other.copy(block, i)
      expect(emissionsOf(block)).toEqual(given)
      expect(emissionsOf(other)).toEqual([...given].reverse())
    }),
  )
})

test('a block grows past any number of rows', () => {
  const block = new EmissionBlock()
  for (let i = 0; i < 3_000; i++)
    block.push({ topic: 'payments', eventTimeMs: i, accountId: `a-${i}`, value: Uint8Array.of(i), rejection: null })
  expect(emissionsOf(block)[2_999]).toMatchObject({ eventTimeMs: 2_999, accountId: 'a-2999' })
})

test('a batch takes emissions over from blocks, with the partition of their account', () => {
  fc.assert(
    fc.property(fc.array(emissions, { maxLength: 3 }), fc.constantFrom(1, 4), (blocks, partitionCount) => {
      const batch = new RecordBatch(200, partitionCount)
      batch.bytes = new Uint8Array(16)
      for (const given of blocks) {
        const block = new EmissionBlock()
        for (const emission of given) block.push(emission)
        for (let i = 0; i < given.length; i++) batch.add(block, i, i, i + 1)
        batch.fill(block, 0, given.length)
      }
      const plain = recordsOf(batch).map(({ key, value, ...record }) => ({
        ...record,
        key: key && Buffer.from(key).toString(),
        value: [...value],
      }))
      expect(plain).toEqual(
        blocks.flatMap((given) =>
          given.map(({ topic, accountId, value }, i) => ({
            topic,
            partition: accountId === null ? 0 : partitionFor(Buffer.from(accountId), partitionCount),
            brokerTimeMs: i,
            orderTimeMs: i + 1,
            key: accountId,
            value: [...value],
          })),
        ),
      )
      expect(batch.valueBytes).toBe(blocks.flat().reduce((sum, { value }) => sum + value.length, 0))
    }),
  )
})
