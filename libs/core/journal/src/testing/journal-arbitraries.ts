import fc from 'fast-check'
import { AvroWriter } from '../avro-bytes'
import { encodeInputsScreened, FACT_KINDS, writeFact, type Gap, type JournaledFact, type TopicPosition } from '../inputs-screened'
import { STATUSES, VERDICTS, writeInput, type JournaledInput } from '../journaled-input'

const count = fc.nat({ max: 2 ** 31 - 1 })
const moment = fc.integer({ min: 0, max: 2 ** 44 })
const token = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' })

const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ body: bytes, bodySha256: null as Uint8Array | null, bodyLengthBytes: bytes.length })),
  fc
    .record({ sha: fc.uint8Array({ minLength: 32, maxLength: 32 }), length: fc.nat() })
    .map(({ sha, length }) => ({ body: null as Uint8Array | null, bodySha256: sha, bodyLengthBytes: length })),
)

/** Any input that a journal may hold. */
export const journaledInput: fc.Arbitrary<JournaledInput> = fc
  .record({
    topic: fc.nat({ max: 9 }),
    offset: count,
    brokerTimeMs: moment,
    orderLagMs: fc.option(moment),
    status: fc.constantFrom(...STATUSES),
    reason: fc.option(token),
    lateByMs: fc.option(moment),
    firstSequence: fc.option(count),
    verdict: fc.option(fc.constantFrom(...VERDICTS)),
    scorePoints: fc.nat({ max: 1000 }),
    dedupeUnchecked: fc.boolean(),
    habitDistanceCenti: fc.option(fc.integer()),
  })
  .chain((fields) => body.map((parts) => ({ ...fields, ...parts })))

/** Any fact that a journal may list. */
export const journaledFact: fc.Arbitrary<JournaledFact> = fc.record({
  sequence: count,
  kind: fc.constantFrom(...FACT_KINDS),
  keyToken: token,
  value: fc.uint8Array({ maxLength: 60 }),
  sourceStream: fc.oneof(fc.constant(''), token),
  sourceRevision: fc.integer({ min: -1, max: 2 ** 31 }),
})

const position: fc.Arbitrary<TopicPosition> = fc.record({ topic: fc.nat({ max: 9 }), fromOffset: count, toOffset: count })
const gap: fc.Arbitrary<Gap> = fc.record({ topic: fc.nat({ max: 9 }), fromOffset: count, toOffset: count, reason: token })

/** Content of an `InputsScreened`, before it is encoded. */
export interface BatchContent {
  readonly firstSequence: number
  readonly tickMs: number
  readonly positions: readonly TopicPosition[]
  readonly gaps: readonly Gap[]
  readonly facts: readonly JournaledFact[]
  readonly inputs: readonly JournaledInput[]
}

export const batchContent: fc.Arbitrary<BatchContent> = fc.record({
  firstSequence: fc.integer({ min: 1, max: 2 ** 40 }),
  tickMs: moment,
  positions: fc.array(position, { maxLength: 10 }),
  gaps: fc.array(gap, { maxLength: 4 }),
  facts: fc.array(journaledFact, { maxLength: 12 }),
  inputs: fc.array(journaledInput, { maxLength: 12 }),
})

/** The plain bytes of a batch. */
export function encodeBatch(content: BatchContent): Buffer {
  const inputs = new AvroWriter(16)
  for (const input of content.inputs) writeInput(inputs, input)
  const facts = new AvroWriter(16)
  for (const fact of content.facts) writeFact(facts, fact)
  return encodeInputsScreened({
    ...content,
    inputCount: content.inputs.length,
    inputBytes: inputs.view(),
    factCount: content.facts.length,
    factBytes: facts.view(),
  })
}
