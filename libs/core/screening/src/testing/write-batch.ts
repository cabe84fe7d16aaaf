import { AvroWriter, decodeInputsScreened, encodeInputsScreened, writeFact, writeInput, type JournaledInput } from '@riskledger/journal'

/** The plain bytes of a batch, written again after a change to its inputs and to where it says that it begins. */
export function writeBatch(
  plain: Uint8Array,
  change: (input: JournaledInput, index: number) => unknown,
  place: { readonly firstSequence?: number; readonly fromOffset?: number } = {},
): Uint8Array {
  const batch = decodeInputsScreened(plain)
  const inputs = new AvroWriter()
  const inputCount = batch.forEachInput((input, index) => {
    const copy = { ...input }
    change(copy, index)
    writeInput(inputs, copy)
  })
  const facts = new AvroWriter()
  for (const fact of batch.facts) writeFact(facts, fact)
  return encodeInputsScreened({
    firstSequence: place.firstSequence ?? batch.firstSequence,
    tickMs: batch.tickMs,
    positions: batch.positions.map((position) => ({ ...position, fromOffset: place.fromOffset ?? position.fromOffset })),
    gaps: batch.gaps,
    factCount: batch.facts.length,
    factBytes: facts.view(),
    inputCount,
    inputBytes: inputs.view(),
  })
}
