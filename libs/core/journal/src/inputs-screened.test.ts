import { decodeLedgerAvro, encodeLedgerAvro } from '@riskledger/events'
import fc from 'fast-check'
import { MalformedBytesError } from './avro-bytes'
import { decodeInputsScreened } from './inputs-screened'
import type { JournaledInput } from './journaled-input'
import { batchContent, encodeBatch, type BatchContent } from './testing/journal-arbitraries'

const HEADER_BYTES = 10

/** The batch as the generated codec takes it. */
function asEvent({ inputs, facts, ...rest }: BatchContent) {
  return {
    ...rest,
    positions: [...rest.positions],
    gaps: [...rest.gaps],
    facts: [...facts],
    inputs: inputs.map(({ bodySha256, bodyLengthBytes, ...input }) => ({
      ...input,
      body: input.body ?? { sha256: bodySha256!, lengthBytes: bodyLengthBytes },
    })),
  }
}

function plainOf(input: JournaledInput): object {
  return {
    ...input,
    body: input.body === null ? null : [...input.body],
    bodySha256: input.bodySha256 === null ? null : [...input.bodySha256],
  }
}

test('has the bytes that the generated codec of its schema gives', () => {
  fc.assert(
    fc.property(batchContent, (content) => {
      const theirs = encodeLedgerAvro('InputsScreened', asEvent(content)).subarray(HEADER_BYTES)
      expect(encodeBatch(content).equals(theirs)).toBe(true)
    }),
  )
})

test('reads what the generated codec writes, input by input, and the other way round', () => {
  fc.assert(
    fc.property(batchContent, (content) => {
      const framed = encodeLedgerAvro('InputsScreened', asEvent(content))
      const view = decodeInputsScreened(framed.subarray(HEADER_BYTES))
      const read: object[] = []
      expect(view.forEachInput((input) => read.push(plainOf(input)))).toBe(content.inputs.length)
      expect(read).toEqual(content.inputs.map(plainOf))
      expect({ firstSequence: view.firstSequence, tickMs: view.tickMs, positions: view.positions, gaps: view.gaps }).toEqual({
        firstSequence: content.firstSequence,
        tickMs: content.tickMs,
        positions: content.positions,
        gaps: content.gaps,
      })
      expect(view.facts.map((fact) => ({ ...fact, value: [...fact.value] }))).toEqual(
        content.facts.map((fact) => ({ ...fact, value: [...fact.value] })),
      )
      const decoded = decodeLedgerAvro('InputsScreened', Buffer.concat([framed.subarray(0, HEADER_BYTES), encodeBatch(content)]))
      expect(decoded.kind).toBe('decoded')
    }),
  )
})

test('can be visited more than once', () => {
  fc.assert(
    fc.property(batchContent, (content) => {
      const view = decodeInputsScreened(encodeBatch(content))
      const offsets = (): number[] => {
        const seen: number[] = []
        view.forEachInput((input) => seen.push(input.offset))
        return seen
      }
      expect(offsets()).toEqual(offsets())
    }),
    { numRuns: 20 },
  )
})

test('a body is made when it is asked for, lies where it is said to, and goes along into a copy', () => {
  fc.assert(
    fc.property(batchContent, (content) => {
      const bytes = encodeBatch(content)
      decodeInputsScreened(bytes).forEachInput((input, index) => {
        const { body } = content.inputs[index]
        const copy = { ...input }
        if (body === null) return expect([input.body, input.bodyAt, copy.body]).toEqual([null, -1, null])
        expect([...bytes.subarray(input.bodyAt, input.bodyAt + input.bodyLengthBytes)]).toEqual([...body])
        expect([...copy.body!]).toEqual([...body])
        expect(input.body).toBe(copy.body)
      })
    }),
    { numRuns: 50 },
  )
})

test('damaged bytes are malformed or read as something, never a crash of another kind', () => {
  fc.assert(
    fc.property(batchContent, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (content, at, byte, cut) => {
      const bytes = encodeBatch(content)
      const damaged = cut ? bytes.subarray(0, at % bytes.length) : Buffer.from(bytes)
      if (!cut) damaged[at % bytes.length] = byte
      try {
        decodeInputsScreened(damaged).forEachInput(() => undefined)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedBytesError)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('bytes cut short and bytes left over are malformed', () => {
  fc.assert(
    fc.property(batchContent, (content) => {
      const bytes = encodeBatch(content)
      const read = (plain: Uint8Array): void => void decodeInputsScreened(plain).forEachInput(() => undefined)
      expect(() => read(bytes.subarray(0, bytes.length - 1))).toThrow(MalformedBytesError)
      expect(() => read(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(MalformedBytesError)
    }),
    { numRuns: 50 },
  )
})
