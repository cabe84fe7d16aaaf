import { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb'
import type { ExpectedRevision, ProposedEntry } from '@riskledger/contracts'
import fc from 'fast-check'
import { encodeBatchAppend } from './batch-append-request'

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 }))
const entries: fc.Arbitrary<ProposedEntry[]> = fc.array(
  fc.record({
    id: fc.uuid(),
    type: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
    contentType: fc.constantFrom('json' as const, 'binary' as const),
    data: bytes,
    metadata: bytes,
  }),
  { minLength: 1, maxLength: 5 },
)
const expectedRevision: fc.Arbitrary<ExpectedRevision> = fc.oneof(
  fc.constant('no-stream' as const),
  fc.nat(),
  fc.integer({ min: 2 ** 40, max: Number.MAX_SAFE_INTEGER }),
)

describe('encodeBatchAppend', () => {
  test("the client's generated code reads back what was appended", () => {
    fc.assert(
      fc.property(
        fc.record({
          correlationId: fc.uuid(),
          stream: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }),
          expected: expectedRevision,
          deadlineMs: fc.nat({ max: 4_000_000_000_000 }),
          entries,
        }),
        (append) => {
          const read = BatchAppendReq.deserializeBinary(encodeBatchAppend(append))
          const options = read.getOptions()
          expect(read.getCorrelationId()?.getString()).toBe(append.correlationId)
          expect(read.getIsFinal()).toBe(true)
          expect(Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe(append.stream)
          expect(options?.hasNoStream()).toBe(append.expected === 'no-stream')
          if (append.expected !== 'no-stream') expect(options?.getStreamPosition()).toBe(String(append.expected))
          expect(options?.getDeadline()?.toDate().getTime()).toBe(append.deadlineMs)
          expect(
            read.getProposedMessagesList().map((message) => ({
              id: message.getId()?.getString(),
              type: message.getMetadataMap().get('type'),
              contentType: message.getMetadataMap().get('content-type') === 'application/json' ? 'json' : 'binary',
              data: Buffer.from(message.getData_asU8()),
              metadata: Buffer.from(message.getCustomMetadata_asU8()),
            })),
          ).toEqual(append.entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data), metadata: Buffer.from(entry.metadata) })))
        },
      ),
    )
  })
})
