import fc from 'fast-check'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { ValueCounts } from './value-counts'

// Few values, so that many come again, and some that fall on one another's places.
const hash = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 20 }).map((i) => i * 4096),
  fc.integer({ min: 1, max: 0xffffffff }),
)

test('counts as a map does, up to the limit, also after it was written and read', () => {
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 600 }), fc.integer({ min: 0, max: 200 }), (hashes, maxValues) => {
      let counts = new ValueCounts()
      const expected = new Map<number, number>()
      for (const [index, one] of hashes.entries()) {
        const counted = expected.has(one) || expected.size < maxValues
        if (counted) expected.set(one, (expected.get(one) ?? 0) + 1)
        expect(counts.add(one, maxValues)).toBe(counted)
        if (index === 250) counts = copyOf(counts)
      }
      expect(counts.size).toBe(expected.size)
      for (const one of hashes) expect(counts.of(one)).toBe(expected.get(one) ?? 0)
      expect([...counts.hashes()]).toEqual([...expected.keys()].sort((a, b) => a - b))
    }),
  )
})

function copyOf(counts: ValueCounts): ValueCounts {
  const writer = new ByteWriter()
  counts.write(writer)
  const copy = new ValueCounts()
  copy.read(new ByteReader(writer.finish()))
  return copy
}

test('a table that is none is refused', () => {
  const writer = new ByteWriter()
  writer.varint(3)
  writer.words(new Uint32Array(12))
  expect(() => new ValueCounts().read(new ByteReader(writer.finish()))).toThrow('a table of 3 places for 3 values')
})

test('values that were chosen to fall on one place are refused beyond 1,024, and the others beside them are counted as ever', () => {
  const counts = new ValueCounts()
  const chosen = Array.from({ length: 3_000 }, (_, i) => (i + 1) * 2 ** 18)
  expect(chosen.filter((hash) => counts.add(hash, 10_000))).toHaveLength(1_024)
  expect(chosen.map((hash) => counts.of(hash)).filter((count) => count === 1)).toHaveLength(1_024)
  for (let hash = 1_200; hash < 1_400; hash++) expect(counts.add(hash, 10_000)).toBe(true)
  expect(counts.of(1_300)).toBe(1)
})
