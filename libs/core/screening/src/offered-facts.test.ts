import fc from 'fast-check'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { OfferedFacts } from './offered-facts'

interface Offer {
  readonly revision: number
  readonly stream: number
  readonly value: number[]
}

const SLOTS = 300

function copyOf(offered: OfferedFacts): OfferedFacts {
  const writer = new ByteWriter()
  offered.write(writer, SLOTS)
  const copy = new OfferedFacts()
  copy.read(new ByteReader(writer.finish()), SLOTS)
  return copy
}

const offer = fc.record({
  revision: fc.nat(),
  stream: fc.nat(15),
  value: fc.array(fc.nat(255), { maxLength: 90 }),
})
const step = fc.tuple(fc.nat(SLOTS - 1), fc.option(offer, { freq: 3 }))

test('holds the newest value of each key as a plain map does, through growth, and so does its copy', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 600, size: 'max' }), (steps) => {
      let offered = new OfferedFacts()
      const plain = new Map<number, Offer>()
      for (const [i, [slot, next]] of steps.entries()) {
        if (next === null) {
          offered.delete(slot)
          plain.delete(slot)
        } else {
          offered.set(slot, Uint8Array.from(next.value), next)
          plain.set(slot, next)
        }
        if (i % 97 === 0) offered = copyOf(offered)
      }
      for (let slot = 0; slot < SLOTS; slot++) {
        const held = plain.get(slot)
        expect(offered.revisionOf(slot)).toBe(held?.revision ?? -1)
        if (held !== undefined) expect([offered.streamOf(slot), [...offered.valueOf(slot)]]).toEqual([held.stream, held.value])
      }
    }),
    { numRuns: 40 },
  )
})

test('values that come and go take no more memory than those held at once', () => {
  const offered = new OfferedFacts()
  const written = (): number => {
    const writer = new ByteWriter()
    offered.write(writer, SLOTS)
    return writer.lengthBytes
  }
  const round = (): void => {
    for (let slot = 0; slot < SLOTS; slot++) offered.set(slot, new Uint8Array(30), { revision: 1, stream: 0 })
    for (let slot = 0; slot < SLOTS; slot++) offered.delete(slot)
  }
  round()
  const once = written()
  for (let i = 0; i < 20; i++) round()
  expect(written()).toBe(once)
})

test('a snapshot whose values lie outside its memory is refused', () => {
  const offered = new OfferedFacts()
  offered.set(0, new Uint8Array(8), { revision: 0, stream: 0 })
  const writer = new ByteWriter()
  offered.write(writer, 1)
  const bytes = writer.finish()
  // The last two words are the first key's cell and length.
  bytes[bytes.length - 1] = 1
  expect(() => new OfferedFacts().read(new ByteReader(bytes), 1)).toThrow(expect.objectContaining({ code: 'snapshot-unusable' }))
})
