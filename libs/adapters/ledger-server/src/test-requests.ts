import { Empty as GoogleEmpty } from 'google-protobuf/google/protobuf/empty_pb'
import { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb'
import { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb'
import { buildRecord, type BuiltRecord } from './build-record'
import { readBatchAppend, type Expected } from './append-request'

/** One event for a test's request. */
export interface TestEvent {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

/** A UUID that ends in this number. */
export function testId(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}

/** A small event whose id is `testId(n)`. */
export function testEvent(n: number): TestEvent {
  return { id: testId(n), type: 'Tested', contentType: 'application/json', data: Buffer.from(`{"n":${n}}`), metadata: Buffer.from('{}') }
}

/** The bytes of a BatchAppend message, made with the generated code. */
export function batchAppendBytes(events: readonly TestEvent[], target?: { stream: string; expected: Expected }, isFinal = true): Buffer {
  const request = new BatchAppendReq()
  const correlation = new UUID()
  correlation.setString(testId(999))
  request.setCorrelationId(correlation)
  request.setIsFinal(isFinal)
  if (target !== undefined) {
    const options = new BatchAppendReq.Options()
    const identifier = new StreamIdentifier()
    identifier.setStreamName(Buffer.from(target.stream))
    options.setStreamIdentifier(identifier)
    if (target.expected.kind === 'exact') options.setStreamPosition(String(target.expected.revision))
    else if (target.expected.kind === 'no-stream') options.setNoStream(new GoogleEmpty())
    else if (target.expected.kind === 'any') options.setAny(new GoogleEmpty())
    else options.setStreamExists(new GoogleEmpty())
    request.setOptions(options)
  }
  for (const event of events) {
    const message = new BatchAppendReq.ProposedMessage()
    const id = new UUID()
    id.setString(event.id)
    message.setId(id)
    message.getMetadataMap().set('type', event.type)
    message.getMetadataMap().set('content-type', event.contentType)
    message.setCustomMetadata(event.metadata)
    message.setData(event.data)
    request.addProposedMessages(message)
  }
  return Buffer.from(request.serializeBinary())
}

/** A record as the server builds it from a request that holds these events. */
export function builtRecord(stream: string, events: readonly TestEvent[], createdMs = 1_700_000_000_000): BuiltRecord {
  return buildRecord(stream, readBatchAppend(batchAppendBytes(events)).proposed, createdMs)
}
