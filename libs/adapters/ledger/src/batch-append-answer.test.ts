import { MaxAppendSizeExceededError } from '@eventstore/db-client'
import { MaximumAppendSizeExceeded, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb'
import { Status } from '@eventstore/db-client/generated/status_pb'
import { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import { Any } from 'google-protobuf/google/protobuf/any_pb'
import { readBatchAnswer } from './batch-append-answer'

const ID = '01234567-89ab-4cde-8f01-23456789abcd'

function answer(id: UUID): BatchAppendResp {
  const response = new BatchAppendResp()
  response.setCorrelationId(id)
  const stream = new StreamIdentifier()
  stream.setStreamName(Buffer.from('s'))
  response.setStreamIdentifier(stream)
  return response
}

function textId(): UUID {
  const id = new UUID()
  id.setString(ID)
  return id
}

function structuredId(): UUID {
  const id = new UUID()
  const structured = new UUID.Structured()
  structured.setMostSignificantBits(BigInt('0x0123456789ab4cde').toString())
  structured.setLeastSignificantBits(BigInt.asIntN(64, BigInt('0x8f0123456789abcd')).toString())
  id.setStructured(structured)
  return id
}

describe('readBatchAnswer', () => {
  test.each([0, 1, 127, 128, 2 ** 40, Number.MAX_SAFE_INTEGER])('success at revision %d, whatever form the id has', (revision) => {
    for (const id of [textId(), structuredId()]) {
      const response = answer(id)
      const success = new BatchAppendResp.Success()
      success.setCurrentRevision(String(revision))
      response.setSuccess(success)
      expect(readBatchAnswer(Buffer.from(response.serializeBinary()))).toEqual({ correlationId: ID, outcome: { revision } })
    }
  })

  test("a refusal is the client's error", () => {
    const details = new MaximumAppendSizeExceeded()
    details.setMaxappendsize(7)
    const any = new Any()
    any.pack(details.serializeBinary(), 'event_store.client.MaximumAppendSizeExceeded')
    const status = new Status()
    status.setDetails(any)
    const response = answer(textId())
    response.setError(status)
    const read = readBatchAnswer(Buffer.from(response.serializeBinary()))
    expect(read.correlationId).toBe(ID)
    expect(read.outcome).toEqual({ failure: expect.any(MaxAppendSizeExceededError) })
  })

  test.each([
    ['ends inside a varint', [0x0a]],
    ['reaches past its message', [0x0a, 5, 1]],
    ['has an unknown wire type', [0x0b]],
    ['has a varint of eleven bytes', [0x20, ...Array.from({ length: 11 }, () => 0x80)]],
  ])('what %s is refused', (_name, bytes) => {
    expect(() => readBatchAnswer(Buffer.from(bytes))).toThrow(RangeError)
  })
})
