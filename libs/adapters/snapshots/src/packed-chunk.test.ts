import fc from 'fast-check'
import { packChunk, unpackChunk } from './packed-chunk'

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(0xffffffff) },
  fc.constantFrom(1, 0x80000000),
)

test('words come back as they were', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), (values) => {
      const words = Uint32Array.from(values)
      const back = new Uint32Array(words.length)
      expect(unpackChunk(packChunk(words), back)).toBe(true)
      expect([...back]).toEqual(values)
    }),
  )
})

test('zeros take a bit each', () => {
  expect(packChunk(new Uint32Array(4096)).length).toBe(512)
})

test.each([
  ['cut short', (packed: Uint8Array) => packed.subarray(0, packed.length - 4)],
  ['cut in a word', (packed: Uint8Array) => packed.subarray(0, packed.length - 1)],
  ['longer', (packed: Uint8Array) => Buffer.concat([packed, Buffer.alloc(4)])],
  ['empty', (packed: Uint8Array) => packed.subarray(0, 0)],
  ['of more words', () => packChunk(Uint32Array.from({ length: 110 }, (_, i) => i))],
])('a chunk that is %s is refused', (_, damaged) => {
  const words = Uint32Array.from({ length: 100 }, (__, i) => i % 3)
  expect(unpackChunk(damaged(packChunk(words)), new Uint32Array(100))).toBe(false)
})
