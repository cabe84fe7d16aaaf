import fc from 'fast-check'
import { HashSets, MAX_MEMBERS } from './hash-sets'

// Hashes that share their low bits and so meet in one place, and any others.
const hash = fc.oneof(
  fc.integer({ min: 1, max: 100 }).map((high) => (high << 20) >>> 0),
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
)

test('many sets in one array hold what as many plain sets hold, up to 64 each', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), hash), { maxLength: 600, size: 'max' }), (additions) => {
      const sets = new HashSets()
      const held = Array.from({ length: 5 }, () => ({ place: 0, count: 0, plain: new Set<number>() }))
      for (const [which, member] of additions) {
        const one = held[which]
        const place = sets.add(one.place, one.count, member)
        if (place >= 0 !== (!one.plain.has(member) && one.count < MAX_MEMBERS)) throw new Error(`${member} answers ${place}`)
        if (place < 0) continue
        one.plain.add(member)
        one.place = place
        one.count++
      }
      for (const { place, count, plain } of held) expect([...sets.members(place, count)]).toEqual([...plain].sort((a, b) => a - b))
    }),
    { numRuns: 30 },
  )
})
