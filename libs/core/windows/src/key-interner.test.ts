import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter } from './byte-writer'
import { KeyInterner } from './key-interner'
import { ASK_BY_TEXT } from './packed-keys'

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

test('a key is found by its bytes as by its text, or its text is asked for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ maxLength: 14 }), fc.string({ unit: 'grapheme', maxLength: 6 })), { maxLength: 40 }),
      (keys) => {
        const interner = new KeyInterner()
        for (const [index, key] of keys.entries()) if (index % 2 === 0 && key !== '') interner.intern(key)
        for (const key of keys) {
          const bytes = Buffer.from(`--${key}`)
          const slot = interner.findBytes(bytes, 2, bytes.length - 2)
          if (slot !== ASK_BY_TEXT) expect(slot).toBe(interner.find(key))
        }
      },
    ),
  )
})

test('among short ASCII keys no text is asked for', () => {
  const interner = new KeyInterner()
  const slot = interner.intern('account-0001')
  expect(interner.findBytes(Buffer.from('account-0001'), 0, 12)).toBe(slot)
  expect(interner.findBytes(Buffer.from('account-0002'), 0, 12)).toBe(-1)
  expect(interner.findBytes(Buffer.from('account-00011'), 0, 13)).toBe(ASK_BY_TEXT)
})

test('it is read back where many slots are free and their texts were given back', () => {
  const interner = new KeyInterner()
  for (let i = 0; i < 1_000; i++) interner.intern(`before-${i}`)
  for (let slot = 0; slot < 1_000; slot++) interner.release(slot)
  for (let i = 0; i < 300; i++) interner.intern(`after-${i}`)
  const writer = new ByteWriter()
  interner.write(writer)
  const read = new KeyInterner()
  read.read(new ByteReader(writer.finish()))
  expect([...read.entries()]).toEqual([...interner.entries()])
  expect(read.intern('another')).toBe(interner.intern('another'))
})

test('the texts of keys that are gone are given back, and those that stay are kept', () => {
  const writer = new ByteWriter()
  const interner = new KeyInterner()
  for (let round = 0; round < 50; round++) {
    const slots = Array.from({ length: 500 }, (_, i) => interner.intern(`a key of round ${round}, number ${i}`))
    for (const slot of slots.slice(1)) interner.release(slot)
  }
  interner.write(writer)
  // 25,000 texts of some thirty characters passed through.
  expect(writer.lengthBytes).toBeLessThan(200_000)
  const read = new KeyInterner()
  read.read(new ByteReader(writer.finish()))
  expect([...read.entries()]).toEqual([...interner.entries()])
  expect(read.size).toBe(50)
})
