import { ReadResp } from '@eventstore/db-client/generated/streams_pb'
import { UUID } from '@eventstore/db-client/generated/shared_pb'
import { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import fc from 'fast-check'
import { AppendView, DamagedRecordError } from './append-record'
import { buildRecord, placeRecord } from './build-record'
import { batchOutcome } from './append-answers'
import { readBatchAppend, type Expected } from './append-request'
import { EventEncoder } from './read-answer'
import { batchAppendBytes, builtRecord, testEvent, testId, type TestEvent } from './test-requests'

const arbitraryEvent: fc.Arbitrary<TestEvent> = fc.record({
  id: fc.uuid(),
  type: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
  contentType: fc.constantFrom('application/json', 'application/octet-stream'),
  data: fc.uint8Array({ maxLength: 400 }),
  metadata: fc.uint8Array({ maxLength: 200 }),
})

describe('the hand-written codec against the generated one', () => {
  test('whatever goes in comes out of a read, byte for byte', () => {
    const events = fc.array(arbitraryEvent, { minLength: 1, maxLength: 8 })
    const place = fc.record({ revision: fc.nat(), position: fc.integer({ min: 1, max: 2 ** 40 }), createdMs: fc.nat(2 ** 42) })
    fc.assert(
      fc.property(events, fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' }), place, (proposed, stream, at) => {
        const built = builtRecord(stream, proposed, at.createdMs)
        placeRecord(built.record, at.revision, at.position)
        const view = new AppendView(built.record)
        const encoder = new EventEncoder(false)
        expect(view.count).toBe(proposed.length)
        for (const [i, event] of proposed.entries()) {
          const answer = ReadResp.deserializeBinary(encoder.encode(view, i)).getEvent()
          const recorded = answer?.getEvent()
          expect(recorded?.getId()?.getString()).toBe(event.id)
          expect(Buffer.from(recorded?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe(stream)
          expect(recorded?.getStreamRevision()).toBe(String(at.revision + i))
          expect(recorded?.getCommitPosition()).toBe(String(at.position + i))
          expect(recorded?.getPreparePosition()).toBe(String(at.position + i))
          expect(answer?.getCommitPosition()).toBe(String(at.position + i))
          expect(recorded?.getMetadataMap().get('type')).toBe(event.type)
          expect(recorded?.getMetadataMap().get('content-type')).toBe(event.contentType)
          expect(recorded?.getMetadataMap().get('created')).toBe(String(BigInt(at.createdMs) * 10_000n))
          expect(Buffer.from(recorded?.getData_asU8() ?? []).equals(event.data)).toBe(true)
          expect(Buffer.from(recorded?.getCustomMetadata_asU8() ?? []).equals(event.metadata)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('the answer to an append says what the generated code reads back', () => {
    const number = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 40, max: Number.MAX_SAFE_INTEGER }))
    const expected: fc.Arbitrary<Expected> = fc.oneof(
      number.map((revision) => ({ kind: 'exact' as const, revision })),
      fc.constantFrom({ kind: 'no-stream' as const }, { kind: 'any' as const }, { kind: 'stream-exists' as const }),
    )
    const name = fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' })
    fc.assert(
      fc.property(fc.record({ correlation: fc.uuid(), stream: name, expected, revision: number, position: number }), (given) => {
        const correlation = new UUID()
        correlation.setString(given.correlation)
        const answer = BatchAppendResp.deserializeBinary(
          batchOutcome(
            Buffer.from(correlation.serializeBinary()),
            { kind: 'appended', revision: given.revision, position: given.position },
            given,
          ),
        )
        expect(answer.getCorrelationId()?.getString()).toBe(given.correlation)
        expect(answer.hasError()).toBe(false)
        expect(answer.getSuccess()?.getCurrentRevision()).toBe(String(given.revision))
        expect(answer.getSuccess()?.getPosition()?.getCommitPosition()).toBe(String(given.position))
        expect(answer.getSuccess()?.getPosition()?.getPreparePosition()).toBe(String(given.position))
        expect(Buffer.from(answer.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe(given.stream)
        expect([answer.hasStreamPosition(), answer.hasNoStream(), answer.hasAny(), answer.hasStreamExists()]).toEqual(
          ['exact', 'no-stream', 'any', 'stream-exists'].map((kind) => kind === given.expected.kind),
        )
        if (given.expected.kind === 'exact') expect(answer.getStreamPosition()).toBe(String(given.expected.revision))
      }),
    )
  })

  test('ids in two halves are read and written too', () => {
    const structured = new UUID.Structured()
    structured.setMostSignificantBits('-1311768467294899695')
    structured.setLeastSignificantBits('81985529216486895')
    const id = new UUID()
    id.setStructured(structured)
    const message = new BatchAppendReq.ProposedMessage()
    message.setId(id)
    const request = new BatchAppendReq()
    request.addProposedMessages(message)
    const built = buildRecord('s', readBatchAppend(Buffer.from(request.serializeBinary())).proposed, 0)
    const answer = ReadResp.deserializeBinary(new EventEncoder(true).encode(new AppendView(built.record), 0))
    expect(answer.getEvent()?.getEvent()?.getId()?.getStructured()?.toObject()).toEqual(structured.toObject())
  })

  test.each([
    ['exact', { kind: 'exact', revision: 41 }],
    ['no stream', { kind: 'no-stream' }],
    ['any', { kind: 'any' }],
    ['stream exists', { kind: 'stream-exists' }],
  ] as const)('the expected state "%s" is understood', (_name, expected) => {
    expect(readBatchAppend(batchAppendBytes([testEvent(1)], { stream: 'über', expected })).options).toEqual({ stream: 'über', expected })
  })

  test('arbitrary bytes are refused or read, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          buildRecord('s', readBatchAppend(Buffer.from(bytes)).proposed, 0)
        } catch (cause) {
          expect(cause).toBeInstanceOf(RangeError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a request with a byte changed is refused or read, never more', () => {
    const sound = batchAppendBytes([testEvent(1), testEvent(2)], { stream: 's', expected: { kind: 'any' } })
    for (let at = 0; at < sound.length; at++) {
      for (const change of [1, 0x80, 0xff]) {
        const bytes = Buffer.from(sound)
        bytes[at] ^= change
        try {
          buildRecord('s', readBatchAppend(bytes).proposed, 0)
        } catch (cause) {
          expect(cause).toBeInstanceOf(RangeError)
        }
      }
    }
  })

  test('an id that is not a UUID is refused', () => {
    expect(() => builtRecord('s', [{ ...testEvent(1), id: 'none' }])).toThrow(RangeError)
    expect(() => builtRecord('s', [{ ...testEvent(1), id: testId(1) + '00' }])).toThrow(RangeError)
  })
})

describe('a stored record with any byte changed', () => {
  test('is given back as it is, or is damaged; it never ends the process', () => {
    const sound = builtRecord('stream', [testEvent(1), testEvent(2), testEvent(3)])
    placeRecord(sound.record, 5, 9)
    for (let at = 0; at < sound.record.length; at++) {
      for (const change of [1, 0x80, 0xff]) {
        const bytes = Buffer.from(sound.record)
        bytes[at] ^= change
        try {
          const view = new AppendView(bytes)
          const encoder = new EventEncoder(false)
          for (let i = 0; i < Math.min(view.count, 3); i++) encoder.encode(view, i)
        } catch (cause) {
          expect(cause).toBeInstanceOf(DamagedRecordError)
        }
      }
    }
  })

  test('cut short anywhere: damaged', () => {
    const { record } = builtRecord('stream', [testEvent(1), testEvent(2)])
    for (let length = 0; length < record.length; length++) {
      expect(() => {
        const view = new AppendView(record.subarray(0, length))
        for (let i = 0; i < view.count; i++) view.event(i)
      }).toThrow(DamagedRecordError)
    }
  })
})
