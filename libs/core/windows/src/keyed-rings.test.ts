import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { KeyedRings, type KeyedRingsOptions } from './keyed-rings'
import { readKeyedRings, writeKeyedRings, writeSlotContent } from './keyed-rings-codec'
import { naiveWindow, type NaiveEvent } from './naive-windows'

const DAY_MS = 86_400_000
const YEAR_MS = 366 * DAY_MS

function reload(rings: KeyedRings, options: KeyedRingsOptions): KeyedRings {
  const writer = new ByteWriter()
  writeKeyedRings(rings, writer)
  const restored = new KeyedRings(options)
  readKeyedRings(restored, new ByteReader(writer.finish()))
  return restored
}

const step = fc.record({
  slot: fc.nat(2),
  gapMs: fc.oneof(
    { weight: 8, arbitrary: fc.nat(12) },
    { weight: 1, arbitrary: fc.nat(3000) },
    { weight: 1, arbitrary: fc.constantFrom(YEAR_MS, 12 * DAY_MS, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5) },
  ),
  lateMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(300) }),
  value: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -500, max: 1000 }) },
    { weight: 1, arbitrary: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1)) },
  ),
  reading: fc.constantFrom('none', 'own', 'ahead', 'fused', 'expired'),
  reload: fc.integer({ min: 0, max: 30 }),
})
const shape = fc.record({
  widthsMs: fc.constantFrom(
    [10],
    [10, 100, 1000],
    [1000, 10],
    [1, 2, 3, 4, 5, 6, 7, 2000],
    [30 * DAY_MS, DAY_MS],
    [43 * DAY_MS, 10],
    [60 * DAY_MS],
  ),
  delayMs: fc.constantFrom(0, 0, 7, 150),
})

describe('KeyedRings', () => {
  test('equal the naive windows: late, equal times, gaps, years of silence, huge values, several keys, reloads', () => {
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 120 }), ({ widthsMs, delayMs }, steps) => {
        const options = { widthsMs, delayMs, graceMs: 400, slots: 1 }
        let rings = new KeyedRings(options)
        const seen: NaiveEvent[][] = [[], [], []]
        const out = new Float64Array(2 * widthsMs.length)
        let newestMs = 0
        for (const { slot, gapMs, lateMs, value, reading, reload: chance } of steps) {
          newestMs += gapMs
          const timeMs = newestMs - lateMs
          const atMs = reading === 'ahead' ? newestMs + 20 : timeMs
          seen[slot].push({ timeMs, value })
          if (chance === 0) rings = reload(rings, options)
          if (reading === 'expired') rings.expire(slot, timeMs)
          if (reading !== 'fused') rings.add(slot, timeMs, value)
          if (reading === 'none' || reading === 'expired') continue
          const all = reading === 'fused' ? rings.step(slot, timeMs, value, out, 0) : rings.read(slot, atMs, out, 0)
          widthsMs.forEach((widthMs, w) => {
            const { count, sum } = naiveWindow(seen[slot], { atMs, delayMs, widthMs })
            const fits = sum <= BigInt(Number.MAX_SAFE_INTEGER) && sum >= -BigInt(Number.MAX_SAFE_INTEGER)
            expect(out[2 * w]).toBe(count)
            expect(all || rings.exact[w] === 1).toBe(fits)
            expect(out[2 * w + 1] + 0).toBe(fits ? Number(sum) : sum > 0n ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER)
          })
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a batch of rows equals its steps one by one: late, silences, huge values, lost events, rows without a slot, new slots', () => {
    const widths = fc.constantFrom(
      [10, 100, 1000],
      [1000, 10, 100],
      [DAY_MS, 7 * DAY_MS, 30 * DAY_MS],
      [43 * DAY_MS, 10, 20],
      [10, 100],
      [60 * DAY_MS, 1, 2],
    )
    const shapes = fc.record({ widthsMs: widths, delayMs: fc.constantFrom(0, 7, 150), maxEventsPerKey: fc.constantFrom(4, 8, 4096) })
    fc.assert(
      fc.property(shapes, fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 150 }), (shaped, steps, size) => {
        const options = { ...shaped, graceMs: 400, slots: 1 }
        const [batched, single] = [new KeyedRings(options), new KeyedRings(options)]
        const figures = 2 * options.widthsMs.length
        const place = { first: 1, stride: figures + 2 }
        let newestMs = 0
        for (let from = 0; from < steps.length; from += size) {
          const part = steps.slice(from, from + size)
          const rows = {
            size: part.length,
            slots: Int32Array.from(part, ({ slot, reload: chance }) => (chance === 1 ? -1 : slot)),
            timesMs: Float64Array.from(part, ({ gapMs, lateMs }) => (newestMs += gapMs) - lateMs),
            values: Float64Array.from(part, ({ value }) => value),
          }
          const out = new Float64Array(part.length * place.stride)
          const expected = out.slice()
          const bounds: string[] = []
          const expectedBounds: string[] = []
          batched.stepRows(rows, out, { ...place, bound: (row) => bounds.push(`${row}: ${batched.exact.join()}`) })
          rows.slots.forEach((slot, row) => {
            if (slot < 0 || single.step(slot, rows.timesMs[row], rows.values[row], expected, place.first + row * place.stride)) return
            expectedBounds.push(`${row}: ${single.exact.join()}`)
          })
          expect(out.map((figure) => figure + 0)).toEqual(expected.map((figure) => figure + 0))
          expect(bounds).toEqual(expectedBounds)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('past the cap, widths that lost events say so and give lower bounds; the others stay exact', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 100 }), fc.constantFrom(0, 50), (gapsMs, delayMs) => {
        const widthsMs = [30, 300]
        const rings = new KeyedRings({ widthsMs, delayMs, maxEventsPerKey: 8 })
        const seen: NaiveEvent[] = []
        const out = new Float64Array(4)
        let timeMs = 0
        for (const gapMs of gapsMs) {
          timeMs += gapMs
          seen.push({ timeMs, value: 3 })
          const all = rings.step(0, timeMs, 3, out, 0)
          const kept = seen.slice(-8)
          widthsMs.forEach((widthMs, w) => {
            const { count } = naiveWindow(seen, { atMs: timeMs, delayMs, widthMs })
            if (all || rings.exact[w] === 1) expect(out[2 * w]).toBe(count)
            expect(out[2 * w]).toBeLessThanOrEqual(count)
            if (naiveWindow(kept, { atMs: timeMs, delayMs: 0, widthMs: widthMs + delayMs }).count < 8)
              expect(all || rings.exact[w] === 1).toBe(true)
          })
        }
      }),
    )
    const rings = new KeyedRings({ widthsMs: [1000], maxEventsPerKey: 8 })
    const out = new Float64Array(2)
    for (let i = 0; i < 8; i++) expect(rings.step(0, i, 1, out, 0)).toBe(true)
    expect(rings.step(0, 8, 1, out, 0)).toBe(false)
    expect([...rings.exact, ...out]).toEqual([0, 8, 8])
    expect(rings.lostThroughMs(0)).toBe(0)
    expect(rings.read(0, 1000, out, 0)).toBe(true)
  })

  test('canonical content does not depend on readings, expiry, layout or slots', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ gapMs: fc.nat(80), lateMs: fc.nat(30), value: fc.nat(9) }), { maxLength: 60 }), (events) => {
        const options = { widthsMs: [100, 20], graceMs: 50 }
        const eager = new KeyedRings(options)
        const lazy = new KeyedRings(options)
        const out = new Float64Array(4)
        let newestMs = 0
        for (const { gapMs, lateMs, value } of events) {
          newestMs += gapMs
          eager.step(3, newestMs - lateMs, value, out, 0)
          eager.expire(3, newestMs)
          lazy.add(7000, newestMs - lateMs, value)
        }
        const contents = [eager, reload(lazy, options)].map((rings, index) => {
          const writer = new ByteWriter()
          writeSlotContent(rings, { slot: index === 0 ? 3 : 7000, atMs: newestMs + 5 }, writer)
          return Buffer.from(writer.finish()).toString('hex')
        })
        expect(contents[0]).toBe(contents[1])
      }),
    )
  })

  test('a long run of bursts and silences over many keys reuses its room', () => {
    const rings = new KeyedRings({ widthsMs: [1000], graceMs: 0, slots: 100 })
    const out = new Float64Array(2)
    const reservedBytes: number[] = []
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 4000; i++) rings.step((round * 7 + (i % 50)) % 100, round * 10_000 + (i >> 2), 1, out, 0)
      for (let slot = 0; slot < 100; slot++) rings.expire(slot, round * 10_000 + 9_000)
      reservedBytes.push(rings.usage.reservedBytes)
    }
    expect(reservedBytes.at(-1)).toBe(reservedBytes[2])
    expect(rings.isUsed(0)).toBe(false)
  })

  test.each([
    [{ widthsMs: [] }, 'widths'],
    [{ widthsMs: [0] }, 'a width of 0'],
    [{ widthsMs: [5], delayMs: -1 }, 'delayMs is -1'],
    [{ widthsMs: [5], graceMs: 0.5 }, 'graceMs is 0.5'],
    [{ widthsMs: [5], maxEventsPerKey: 0 }, 'maxEventsPerKey is 0'],
  ])('refuses options %j', (options, message) => {
    expect(() => new KeyedRings(options)).toThrow(message)
  })

  test('refuses a value that is not a safe integer, and a snapshot cut short or of other options', () => {
    const rings = new KeyedRings({ widthsMs: [5] })
    expect(() => rings.add(0, 1, NaN)).toThrow('value is NaN')
    expect(() => rings.add(0, 1, 2 ** 53)).toThrow('safe integer')
    rings.add(0, 1, 5)
    const writer = new ByteWriter()
    writeKeyedRings(rings, writer)
    const bytes = writer.finish()
    // Every length up to the first columns and in the last ones; between them, in one long column, each 97th: a prime, so that cuts fall at every byte of a number.
    const cutShort = Array.from(bytes.keys()).filter((length) => length < 200 || bytes.length - length <= 100 || length % 97 === 0)
    for (const length of cutShort) {
      expect(() => readKeyedRings(new KeyedRings({ widthsMs: [5] }), new ByteReader(bytes.subarray(0, length)))).toThrow(
        'Snapshot is unusable',
      )
    }
    expect(() => readKeyedRings(new KeyedRings({ widthsMs: [6] }), new ByteReader(bytes))).toThrow('no width of 6 ms')
  })
})
