import fc from 'fast-check'
import { ZERO_HASH, type OpenedEntry } from '@riskledger/journal'
import { EntryPacker, unpackEntries } from './packed-entries'

const entry: fc.Arbitrary<OpenedEntry> = fc
  .record({ revision: fc.nat(), id: fc.uuid(), type: fc.string(), data: fc.uint8Array({ maxLength: 50 }), storedBytes: fc.nat() })
  .map((fields) => {
    const entryHash = fields.id.padEnd(64, '0')
    const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH, firstSequence: 4, previousEntryHash: ZERO_HASH, entryHash }
    return { ...fields, stream: 's', metadata, head: { stream: 's', revision: fields.revision, entryHash } }
  })

test('what was packed comes out again, over as many packs as it takes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 5 }), (packs) => {
      const packer = new EntryPacker<OpenedEntry>()
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
  const packer = new EntryPacker<OpenedEntry>()
  const [one] = fc.sample(entry, 1)
  packer.add({ ...one, data: new Uint8Array(262_143) })
  expect(packer.full).toBe(false)
  packer.add({ ...one, data: new Uint8Array(1) })
  expect(packer.full).toBe(true)
  packer.take()
  expect(packer.full).toBe(false)
})
