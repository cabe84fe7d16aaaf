import fc from 'fast-check'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { INTEGERS, RowPages } from './account-rows'
import { FIELDS, LISTS, LOGINS, PLACE_MEMORY, PlaceRows, SESSIONS } from './place-rows'

const FEATURES = 3
const SLOTS = 40
const ROOM = 2 + PLACE_MEMORY * FIELDS

const put = fc.record({ slot: fc.nat(SLOTS - 1), feature: fc.nat(FEATURES - 1), hash: fc.integer({ min: 1, max: 0xffffffff }) })

class Bench {
  integers = new RowPages(INTEGERS, (length) => new Uint32Array(length))
  rows = new PlaceRows(FEATURES, this.integers)
  /** What each row holds, as wide as can be. */
  readonly expected = new Map<number, Uint32Array>()

  constructor() {
    for (let slot = 0; slot < SLOTS; slot++) this.integers.addRow()
  }

  put({ slot, feature, hash }: { readonly slot: number; readonly feature: number; readonly hash: number }): void {
    const expected = this.expected.get(slot) ?? new Uint32Array(FEATURES * ROOM + LISTS)
    this.expected.set(slot, expected)
    let row = this.rows.made(slot)
    let free = this.free(row, this.rows.valuesAt(row, feature), this.rows.valueWords(row))
    if (free < 0) {
      const grown = this.rows.grown(slot)
      expect(grown === null).toBe(this.rows.valueWords(row) === PLACE_MEMORY * FIELDS)
      if (grown === null) return
      row = grown
      free = this.free(row, this.rows.valuesAt(row, feature), this.rows.valueWords(row))
    }
    row[free] = hash
    row[free + 3] = slot + 1
    row[this.rows.listAt(row, feature)]++
    row[SESSIONS] = hash
    row[LOGINS]++
    const at = this.free(expected, feature * ROOM + 2, PLACE_MEMORY * FIELDS)
    expected[at] = hash
    expected[at + 3] = slot + 1
    expected[feature * ROOM]++
    expected[FEATURES * ROOM + SESSIONS] = hash
    expected[FEATURES * ROOM + LOGINS]++
  }

  private free(row: Uint32Array, from: number, words: number): number {
    for (let at = from; at < from + words; at += FIELDS) if (row[at] === 0) return at
    return -1
  }

  /** What an account's row says, as wide as can be. */
  content(slot: number): Uint32Array | null {
    const writer = new ByteWriter()
    const content = new Uint32Array(FEATURES * ROOM + LISTS)
    this.rows.writeContent(slot, writer)
    const reader = new ByteReader(writer.finish())
    if (reader.u8() === 0) return null
    for (let at = -1, step = reader.varint(); step > 0; step = reader.varint()) content[(at += step)] = reader.varint()
    return content
  }

  /** Goes on with copies, as after a restart. */
  restart(): void {
    const writer = new ByteWriter()
    this.integers.write(writer)
    this.rows.write(writer)
    const reader = new ByteReader(writer.finish())
    this.integers = new RowPages(INTEGERS, (length) => new Uint32Array(length))
    this.rows = new PlaceRows(FEATURES, this.integers)
    this.integers.read(reader)
    this.rows.read(reader)
  }
}

test('rows hold what rows with room for the most would, however they grew and moved', () => {
  fc.assert(
    fc.property(fc.array(put, { maxLength: 400 }), (puts) => {
      const bench = new Bench()
      for (const [index, one] of puts.entries()) {
        bench.put(one)
        if (index === 150) bench.restart()
      }
      for (let slot = 0; slot < SLOTS; slot++) expect(bench.content(slot)).toEqual(bench.expected.get(slot) ?? null)
    }),
  )
})

test('an account with one value of each takes less than half of the room', () => {
  const bench = new Bench()
  for (let slot = 0; slot < SLOTS; slot++) bench.put({ slot, feature: 0, hash: 7 })
  const writer = new ByteWriter()
  bench.rows.write(writer)
  expect(writer.lengthBytes).toBeLessThan((SLOTS * (FEATURES * ROOM + LISTS) * 4) / 2)
})

test('a row that moves on leaves its place to another', () => {
  const bench = new Bench()
  bench.put({ slot: 0, feature: 1, hash: 7 })
  const place = bench.rows.of(0)!
  bench.put({ slot: 0, feature: 1, hash: 8 })
  bench.put({ slot: 1, feature: 1, hash: 9 })
  expect(bench.rows.of(1)!.byteOffset).toBe(place.byteOffset)
  expect([0, 1].map((slot) => bench.content(slot))).toEqual([0, 1].map((slot) => bench.expected.get(slot)))
})
