import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { KeyInterner } from './key-interner'

const key = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'a\u0000', '\u00ff', 'abcdefghijkl', 'abcdefghijklm', 'ключ', '\u0101') },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 14 }) },
)

describe('KeyInterner', () => {
  test('equals a map, through releases and reloads, for keys that pack and keys that do not', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.integer({ min: 0, max: 9 })), { maxLength: 300 }), (acts) => {
        let interner = new KeyInterner({ maxKeys: 60 })
        const expected = new Map<string, number>()
        for (const [each, act] of acts) {
          const known = expected.get(each)
          if (act < 3 && known !== undefined) {
            interner.release(known)
            expected.delete(each)
          } else if (act < 9) {
            const slot = interner.intern(each)
            if (known === undefined && expected.size === 60) expect(slot).toBe(-1)
            else expected.set(each, slot)
          } else {
            const writer = new ByteWriter()
            interner.write(writer)
            interner = new KeyInterner({ maxKeys: 60 })
            interner.read(new ByteReader(writer.finish()))
          }
          expect(interner.find(each)).toBe(expected.get(each) ?? -1)
        }
        expect(interner.size).toBe(expected.size)
        expect(new Map(interner.entries())).toEqual(expected)
        for (const [each, slot] of expected) expect(interner.find(each)).toBe(slot)
      }),
    )
  })

  test('finds each of many keys, and none that was released', () => {
    const interner = new KeyInterner()
    for (let i = 0; i < 20_000; i++) expect(interner.intern(`k${i}`)).toBe(i)
    for (let i = 0; i < 20_000; i += 2) interner.release(i)
    const wrong = Array.from({ length: 20_000 }, (_, i) => i).filter((i) => interner.find(`k${i}`) !== (i % 2 === 0 ? -1 : i))
    expect(wrong).toEqual([])
  })
})
