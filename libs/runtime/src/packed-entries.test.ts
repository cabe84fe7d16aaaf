import fc from 'fast-check'
import { EntryPacker, unpackEntries } from './packed-entries'

interface Entry {
  readonly revision: number
  readonly type: string
  readonly data: Uint8Array
  readonly head: { readonly entryHash: string }
}

const entry: fc.Arbitrary<Entry> = fc.record({
  revision: fc.nat(),
  type: fc.string(),
  data: fc.uint8Array({ maxLength: 50 }),
  head: fc.record({ entryHash: fc.string() }),
})

test('what was packed comes out again, over as many packs as it takes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 5 }), (packs) => {
      const packer = new EntryPacker<Entry>()
      for (const entries of packs) {
        expect(packer.empty).toBe(true)
        for (const one of entries) packer.add(one)
        const pack = packer.take()
        // What is in no transferred buffer must survive the clone.
        expect([...unpackEntries(structuredClone(pack, { transfer: [pack.bytes] }))]).toEqual(entries)
      }
    }),
  )
})

test('is full with a quarter of a mebibyte', () => {
  const packer = new EntryPacker<Entry>()
  const [one] = fc.sample(entry, 1)
  packer.add({ ...one, data: new Uint8Array(262_143) })
  expect(packer.full).toBe(false)
  packer.add({ ...one, data: new Uint8Array(1) })
  expect(packer.full).toBe(true)
  packer.take()
  expect(packer.full).toBe(false)
})
