import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { DistinctRings } from './distinct-rings'
import { naiveDistinct } from './naive-windows'

function bytesOf(rings: DistinctRings): Uint8Array {
  const writer = new ByteWriter()
  rings.writeSnapshot(writer)
  return writer.finish()
}

const sight = fc.record({
  gapMs: fc.oneof(fc.nat(3), fc.nat(3), fc.nat(200)),
  lateMs: fc.oneof(fc.constant(0), fc.nat(60)),
  member: fc.nat(90),
})

describe('DistinctRings', () => {
  test('equal the naive count up to 64, then at least 64; late sights included; reloaded on the way', () => {
    fc.assert(
      fc.property(fc.array(sight, { maxLength: 250 }), (sights) => {
        const widthsMs = [20, 300]
        let rings = new DistinctRings({ widthsMs, slots: 1 })
        const seen: { member: number; timeMs: number }[] = []
        const out = new Float64Array(2)
        let newestMs = 0
        sights.forEach(({ gapMs, lateMs, member }, index) => {
          newestMs += gapMs
          rings.touch(2, member, newestMs - lateMs)
          seen.push({ member, timeMs: newestMs - lateMs })
          if (index % 97 === 96) {
            const writer = new ByteWriter()
            rings.writeSnapshot(writer)
            rings = new DistinctRings({ widthsMs })
            rings.readSnapshot(new ByteReader(writer.finish()))
          }
          const all = rings.read(2, newestMs, out, 0)
          widthsMs.forEach((widthMs, w) => {
            const distinct = naiveDistinct(seen, { atMs: newestMs, widthMs })
            expect(out[w]).toBe(Math.min(64, distinct))
            if (distinct !== 64) expect(all || rings.exact[w] === 1).toBe(distinct < 64)
          })
          const early = rings.read(2, newestMs - 5, out, 0)
          widthsMs.forEach((widthMs, w) => {
            const distinct = naiveDistinct(seen, { atMs: newestMs - 5, widthMs })
            expect(out[w]).toBeLessThanOrEqual(distinct)
            if (early || rings.exact[w] === 1) expect(out[w]).toBe(distinct)
          })
        })
      }),
    )
  })

  test('restored rings go on as never saved, members that have left the longest window included', () => {
    fc.assert(
      fc.property(fc.array(sight, { maxLength: 120 }), fc.array(sight, { maxLength: 120 }), (before, after) => {
        const rings = new DistinctRings({ widthsMs: [10] })
        let newestMs = 0
        const touchAll = (sights: typeof before, all: readonly DistinctRings[]): void => {
          for (const { gapMs, lateMs, member } of sights) {
            newestMs += gapMs
            for (const each of all) each.touch(member % 2, member, newestMs - lateMs)
          }
        }
        touchAll(before, [rings])
        const restored = new DistinctRings({ widthsMs: [10], slots: 1 })
        restored.readSnapshot(new ByteReader(bytesOf(rings)))
        expect(bytesOf(restored)).toEqual(bytesOf(rings))
        touchAll(after, [rings, restored])
        expect(bytesOf(restored)).toEqual(bytesOf(rings))
      }),
    )
  })

  test('a snapshot with a slot twice is refused', () => {
    const writer = new ByteWriter()
    for (const value of [1, 1, 10]) writer.varint(value)
    for (let time = 0; time < 2; time++) {
      writer.varint(4)
      writer.f64(-Infinity)
      for (const value of [1, 2, 2]) writer.varint(value)
    }
    expect(() => new DistinctRings({ widthsMs: [10] }).readSnapshot(new ByteReader(writer.finish()))).toThrow('slot 3 is there twice')
  })

  test('a released slot is empty', () => {
    const rings = new DistinctRings({ widthsMs: [10] })
    const out = new Float64Array(1)
    rings.touch(0, 5, 1)
    rings.release(0)
    expect(rings.read(0, 1, out, 0)).toBe(true)
    expect(out[0]).toBe(0)
  })
})
