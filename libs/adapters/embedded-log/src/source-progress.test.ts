import type { SourceProgress } from '@riskledger/contracts'
import { sourceKey } from './log-keys'
import type { LogTransaction } from './log-store'
import { SourceProgressWriter } from './source-progress'

const progressOf = (sourceId: string): SourceProgress => ({ sourceId, emissions: 1, orderTimeMs: 0, startedAtMs: 0, done: false })

/** A transaction on the progress of this many sources, and the sequences that are put. */
function transactionWith(count: number): { readonly transaction: LogTransaction; readonly put: number[] } {
  const put: number[] = []
  const sequenceOf = (key: Uint8Array): number => Buffer.from(key).readUInt32BE(1)
  const transaction: LogTransaction = {
    get: (key) => Buffer.from(JSON.stringify(progressOf(`source-${sequenceOf(key)}`))),
    put: (key) => void put.push(sequenceOf(key)),
    remove: () => undefined,
    keys: (_from, _to, limit) => Array.from({ length: Math.min(count, limit) }, (_, sequence) => sourceKey(sequence)),
  }
  return { transaction, put }
}

test('the 100,000th source is the last that is taken; known ones go on', () => {
  const last = transactionWith(99_999)
  new SourceProgressWriter().write(last.transaction, progressOf('new'))
  expect(last.put).toEqual([99_999])

  const full = transactionWith(100_000)
  const writer = new SourceProgressWriter()
  expect(() => writer.write(full.transaction, progressOf('new'))).toThrow(
    expect.objectContaining({
      code: 'limit-reached',
      message: expect.stringMatching(/100000 file sources.*source new.*Name several files/) as string,
      context: { sourceId: 'new', limit: 100_000 },
    }),
  )
  writer.write(full.transaction, progressOf('source-99999'))
  expect(full.put).toEqual([99_999])
})
