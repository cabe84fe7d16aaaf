import { encodeLedgerAvro } from '@riskledger/events'
import fc from 'fast-check'
import { MalformedBytesError } from './avro-bytes'
import { decodeRelationsLearned, encodeRelationsLearned } from './relations-learned'

const token = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme-ascii' })
const learned = fc.record({
  throughEpoch: fc.integer({ min: -1, max: 2 ** 40 }),
  consumed: fc.array(fc.record({ stream: token, revision: fc.nat() }), { maxLength: 4 }),
  facts: fc.array(
    fc.record({
      epoch: fc.integer({ min: -1, max: 2 ** 40 }),
      kind: fc.constantFrom('counterparty' as const, 'device' as const),
      keyToken: token,
      value: fc.uint8Array({ maxLength: 80 }),
    }),
    { maxLength: 20 },
  ),
})

test('has the bytes that the generated codec of its schema gives, and comes back', () => {
  fc.assert(
    fc.property(learned, (content) => {
      const mine = encodeRelationsLearned(content)
      expect(mine.equals(encodeLedgerAvro('RelationsLearned', content).subarray(10))).toBe(true)
      const back = decodeRelationsLearned(mine)
      expect({ ...back, facts: back.facts.map((fact) => ({ ...fact, value: [...fact.value] })) }).toEqual({
        ...content,
        facts: content.facts.map((fact) => ({ ...fact, value: [...fact.value] })),
      })
    }),
  )
})

test('cut short, or with more behind it, is malformed', () => {
  fc.assert(
    fc.property(learned, fc.nat(), (content, cut) => {
      const bytes = encodeRelationsLearned(content)
      expect(() => decodeRelationsLearned(bytes.subarray(0, cut % bytes.length))).toThrow(MalformedBytesError)
      expect(() => decodeRelationsLearned(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(MalformedBytesError)
    }),
  )
})
