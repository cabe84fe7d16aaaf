import {
  AvroWriter,
  decodeInputsScreened,
  encodeInputsScreened,
  writeFact,
  writeInput,
  type JournaledFact,
  type JournaledInput,
} from '@riskledger/journal'

/** The plain bytes of a batch, written again after a change to its inputs and to where it says that it begins, with more facts at its end. */
export function writeBatch(
  plain: Uint8Array,
  change: (input: JournaledInput, index: number) => unknown,
  place: { readonly firstSequence?: number; readonly fromOffset?: number; readonly facts?: readonly JournaledFact[] } = {},
): Uint8Array {
  const batch = decodeInputsScreened(plain)
  const inputs = new AvroWriter()
  const inputCount = batch.forEachInput((input, index) => {
    const copy = { ...input }
    change(copy, index)
    writeInput(inputs, copy)
  })
  const facts = new AvroWriter()
  const allFacts = [...batch.facts, ...(place.facts ?? [])]
  for (const fact of allFacts) writeFact(facts, fact)
  return encodeInputsScreened({
    firstSequence: place.firstSequence ?? batch.firstSequence,
    tickMs: batch.tickMs,
    positions: batch.positions.map((position) => ({ ...position, fromOffset: place.fromOffset ?? position.fromOffset })),
    gaps: batch.gaps,
    factCount: allFacts.length,
    factBytes: facts.view(),
    inputCount,
    inputBytes: inputs.view(),
  })
}
