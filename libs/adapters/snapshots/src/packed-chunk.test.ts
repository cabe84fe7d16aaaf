import fc from 'fast-check'
import { packChunk, packedRoom, unpackChunk } from './packed-chunk'

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(0xffffffff) },
  fc.constantFrom(1, 0x80000000),
)

function packed(words: Uint32Array): Uint32Array {
  // What stood there before must not show.
  const into = new Uint32Array(packedRoom(words.length)).fill(7)
  return into.subarray(0, packChunk(words, into))
}

test('words come back as they were', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), (values) => {
      const words = Uint32Array.from(values)
      const back = new Uint32Array(words.length)
      expect(unpackChunk(packed(words), back)).toBe(true)
      expect([...back]).toEqual(values)
    }),
  )
})

test('zeros take a bit each', () => {
  expect(packed(new Uint32Array(4096)).length).toBe(128)
})

test.each([
  ['cut short', (whole: Uint32Array) => whole.subarray(0, -1)],
  ['longer', (whole: Uint32Array) => Uint32Array.of(...whole, 0)],
  ['empty', (whole: Uint32Array) => whole.subarray(0, 0)],
  ['of more words', () => packed(Uint32Array.from({ length: 110 }, (_, i) => i))],
])('a chunk that is %s is refused', (_, damaged) => {
  const words = Uint32Array.from({ length: 100 }, (__, i) => i % 3)
  expect(unpackChunk(damaged(packed(words)), new Uint32Array(100))).toBe(false)
})
