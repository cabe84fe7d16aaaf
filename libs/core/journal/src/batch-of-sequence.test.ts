import { MemoryLedger } from '@riskledger/testing'
import { batchOfSequence } from './batch-of-sequence'
import { emptyHead, sealEntry, ZERO_HASH } from './seal-entry'

const STREAM = 'screening-000.0000'

/** A stream of batches of these sizes; after each, as many decisions as its size says. */
async function streamOf(sizes: readonly number[]): Promise<MemoryLedger> {
  const ledger = new MemoryLedger()
  let head = emptyHead(STREAM)
  const append = async (type: string, range: { firstSequence?: number; lastSequence?: number }): Promise<void> => {
    const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH, ...range }
    const sealed = sealEntry(head, { type, contentType: 'json', data: Buffer.from('{}'), metadata })
    await ledger.append(STREAM, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
    head = sealed.head
  }
  await append('SegmentOpened', {})
  let next = 1
  for (const size of sizes) {
    await append('InputsScreened', { firstSequence: next, lastSequence: next + size - 1 })
    for (let i = 0; i < size; i++) await append('DecisionMade', { firstSequence: next + i, lastSequence: next + i })
    await append('TenureBegan', {})
    next += size
  }
  return ledger
}

test('finds the batch of every sequence, whatever stands between the batches', async () => {
  const sizes = [1, 4, 2, 7, 1, 1, 3]
  const ledger = await streamOf(sizes)
  let sequence = 0
  for (const size of sizes) {
    const first = sequence + 1
    for (let i = 0; i < size; i++) {
      const found = await batchOfSequence(ledger, STREAM, ++sequence)
      expect(found?.recorded.type).toBe('InputsScreened')
      expect(found?.metadata).toMatchObject({ firstSequence: first, lastSequence: first + size - 1 })
    }
  }
})

test.each([0, 20])('sequence %i, which no batch holds, is not found', async (sequence) => {
  expect(await batchOfSequence(await streamOf([1, 4, 2, 7, 1, 1, 3]), STREAM, sequence)).toBeNull()
})

test('a stream that does not exist holds nothing', async () => {
  expect(await batchOfSequence(new MemoryLedger(), STREAM, 1)).toBeNull()
})
