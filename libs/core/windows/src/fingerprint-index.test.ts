import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { FingerprintIndex } from './fingerprint-index'

type Fingerprint = readonly [low: number, high: number]

/** Some 600 fingerprints for thousands of entries, so that several are equal and runs are long. */
function fingerprintOf(entry: number): Fingerprint {
  return [Math.imul(entry % 211, 0x85ebca77) >>> 0, entry % 3]
}

/** The entries that an index gives for a fingerprint, ascending; those of other fingerprints with its hash, which it may give too, left out. */
function entriesUnder(index: FingerprintIndex, [low, high]: Fingerprint, of = fingerprintOf): number[] {
  const cursor = { at: -1 }
  const found: number[] = []
  for (let entry = index.next(low, high, cursor); entry >= 0; entry = index.next(low, high, cursor))
    if (of(entry)[0] === low && of(entry)[1] === high) found.push(entry)
  return found.sort((a, b) => a - b)
}

function copyOf(index: FingerprintIndex): FingerprintIndex {
  const writer = new ByteWriter()
  index.write(writer)
  const copy = new FingerprintIndex()
  copy.read(new ByteReader(writer.finish()))
  return copy
}

/** A pattern of additions and removals, carried out again and again: two of the former to one of the latter, on average. */
const pattern = fc
  .array(fc.constantFrom(...Array<'add'>(6).fill('add'), 'remove-first', 'remove-last', 'remove-random'), { minLength: 5, maxLength: 40 })
  .map((steps) => ['add', 'add', ...steps])

test('holds what was added and not removed, at every moment of its growth, and so does its copy', () => {
  fc.assert(
    fc.property(pattern, fc.nat(), (steps, seed) => {
      let index = new FingerprintIndex()
      const held = new Map<string, number[]>()
      const heldUnder = (entry: number): number[] => {
        const key = String(fingerprintOf(entry))
        if (!held.has(key)) held.set(key, [])
        return held.get(key)!
      }
      let next = 0
      // Just before the table is half full: every run goes through a growth.
      for (; next < 505; next++) {
        index.add(next, ...fingerprintOf(next))
        heldUnder(next).push(next)
      }
      for (let step = 0; step < 4_000; step++) {
        const kind = steps[step % steps.length]
        if (kind === 'add') {
          index.add(next, ...fingerprintOf(next))
          heldUnder(next).push(next++)
        } else {
          const some = heldUnder(seed + step * 7_919)
          const place = kind === 'remove-first' ? 0 : kind === 'remove-last' ? some.length - 1 : step % (some.length + 1)
          for (const entry of some.splice(Math.max(0, place), 1)) index.remove(entry, ...fingerprintOf(entry))
        }
        if (step % 331 === 0) index = copyOf(index)
        if (step % 11 === 0) expect(entriesUnder(index, fingerprintOf(step + seed))).toEqual(heldUnder(step + seed))
      }
      for (let entry = 0; entry < 633; entry++) expect(entriesUnder(index, fingerprintOf(entry))).toEqual(heldUnder(entry))
    }),
    { numRuns: 10 },
  )
})

test('entries whose runs lie round the end of the table are found while it grows, and after', () => {
  const index = new FingerprintIndex()
  // By trial: fingerprints whose search begins at the last places of the first table.
  const last: number[] = []
  for (let low = 0; last.length < 60; low++) {
    const probe = new FingerprintIndex()
    probe.add(0, low, 0)
    const writer = new ByteWriter()
    probe.write(writer)
    const reader = new ByteReader(writer.finish())
    reader.varint()
    const cells = reader.words()
    if (cells.subarray(2 * 1_010).some((cell) => cell !== 0)) last.push(low)
  }
  const of = (entry: number): Fingerprint => (entry < 60 ? [last[entry], 0] : [Math.imul(entry, 0x85ebca6b) >>> 0, 1])
  for (let entry = 0; entry < 1_200; entry++) {
    index.add(entry, ...of(entry))
    for (let known = entry % 7; known <= Math.min(entry, 59); known += 7) expect(entriesUnder(index, of(known), of)).toEqual([known])
  }
})

test('an entry that is not in is left alone', () => {
  const index = new FingerprintIndex()
  index.add(1, 5, 5)
  index.remove(2, 5, 5)
  index.remove(1, 6, 6)
  expect(entriesUnder(index, [5, 5], () => [5, 5])).toEqual([1])
})

test.each([
  ['of no power of two', { cells: 6_000, old: 0, movedFrom: 0, moved: 0 }, 'an index of 3000 places for 0 entries'],
  ['beside one of another size', { cells: 4_096, old: 4, movedFrom: 0, moved: 0 }, 'a smaller index of 2 places beside one of 2048'],
  ['moved from beyond its end', { cells: 4_096, old: 2_048, movedFrom: 1_024, moved: 0 }, '0 places moved from 1024 on, of 1024'],
])('an index %s is refused', (_, { cells, old, movedFrom, moved }, message) => {
  const writer = new ByteWriter()
  writer.varint(0)
  for (const words of [cells, old]) writer.words(new Uint32Array(words))
  for (const value of [movedFrom, moved]) writer.varint(value)
  expect(() => new FingerprintIndex().read(new ByteReader(writer.finish()))).toThrow(message)
})
