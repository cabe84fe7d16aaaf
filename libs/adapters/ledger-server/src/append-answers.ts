import { Any } from 'google-protobuf/google/protobuf/any_pb'
import { Empty as GoogleEmpty } from 'google-protobuf/google/protobuf/empty_pb'
import {
  AllStreamPosition,
  Empty,
  MaximumAppendSizeExceeded,
  StreamIdentifier,
  UUID,
  WrongExpectedVersion,
} from '@eventstore/db-client/generated/shared_pb'
import { Status } from '@eventstore/db-client/generated/status_pb'
import { AppendResp, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import { status as grpcStatus } from '@grpc/grpc-js'
import type { Expected } from './append-request'
import type { AppendOutcome } from './ledger-book'

function identifierOf(stream: string): StreamIdentifier {
  const identifier = new StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  return identifier
}

function batchAnswer(correlation: Buffer, stream: string, expected: Expected): BatchAppendResp {
  const answer = new BatchAppendResp()
  answer.setCorrelationId(UUID.deserializeBinary(correlation))
  answer.setStreamIdentifier(identifierOf(stream))
  if (expected.kind === 'exact') answer.setStreamPosition(String(expected.revision))
  else if (expected.kind === 'no-stream') answer.setNoStream(new GoogleEmpty())
  else if (expected.kind === 'any') answer.setAny(new GoogleEmpty())
  else answer.setStreamExists(new GoogleEmpty())
  return answer
}

function withError(answer: BatchAppendResp, code: number, error: { message: string; details: Uint8Array; typeName: string }): Buffer {
  const details = new Any()
  details.pack(error.details, error.typeName)
  const status = new Status()
  status.setCode(code)
  status.setMessage(error.message)
  status.setDetails(details)
  answer.setError(status)
  return Buffer.from(answer.serializeBinary())
}

/** The bytes of the BatchAppend answer to an outcome. */
export function batchOutcome(
  correlation: Buffer,
  outcome: AppendOutcome,
  { stream, expected }: { stream: string; expected: Expected },
): Buffer {
  const answer = batchAnswer(correlation, stream, expected)
  if (outcome.kind === 'appended') {
    const success = new BatchAppendResp.Success()
    success.setCurrentRevision(String(outcome.revision))
    const position = new AllStreamPosition()
    position.setCommitPosition(String(outcome.position))
    position.setPreparePosition(String(outcome.position))
    success.setPosition(position)
    answer.setSuccess(success)
    return Buffer.from(answer.serializeBinary())
  }
  const wrong = new WrongExpectedVersion()
  if (outcome.current === null) wrong.setCurrentNoStream(new GoogleEmpty())
  else wrong.setCurrentStreamRevision(String(outcome.current))
  if (expected.kind === 'exact') wrong.setExpectedStreamPosition(String(expected.revision))
  else if (expected.kind === 'no-stream') wrong.setExpectedNoStream(new GoogleEmpty())
  else if (expected.kind === 'any') wrong.setExpectedAny(new GoogleEmpty())
  else wrong.setExpectedStreamExists(new GoogleEmpty())
  return withError(answer, grpcStatus.ALREADY_EXISTS, {
    message: `Append failed due to WrongExpectedVersion of stream ${stream}.`,
    details: wrong.serializeBinary(),
    typeName: 'event_store.client.WrongExpectedVersion',
  })
}

/** The bytes of the BatchAppend answer to an append above the limit. */
export function batchTooLarge(
  correlation: Buffer,
  maxAppendBytes: number,
  { stream, expected }: { stream: string; expected: Expected },
): Buffer {
  const details = new MaximumAppendSizeExceeded()
  details.setMaxappendsize(maxAppendBytes)
  return withError(batchAnswer(correlation, stream, expected), grpcStatus.INVALID_ARGUMENT, {
    message: `Maximum append size of ${maxAppendBytes} bytes exceeded.`,
    details: details.serializeBinary(),
    typeName: 'event_store.client.MaximumAppendSizeExceeded',
  })
}

/** The bytes of the client-streaming Append's answer to an outcome. */
export function appendOutcome(outcome: AppendOutcome, expected: Expected): Buffer {
  const answer = new AppendResp()
  if (outcome.kind === 'appended') {
    const success = new AppendResp.Success()
    success.setCurrentRevision(String(outcome.revision))
    const position = new AppendResp.Position()
    position.setCommitPosition(String(outcome.position))
    position.setPreparePosition(String(outcome.position))
    success.setPosition(position)
    answer.setSuccess(success)
    return Buffer.from(answer.serializeBinary())
  }
  const wrong = new AppendResp.WrongExpectedVersion()
  if (outcome.current === null) wrong.setCurrentNoStream(new Empty())
  else wrong.setCurrentRevision(String(outcome.current))
  if (expected.kind === 'exact') wrong.setExpectedRevision(String(expected.revision))
  else if (expected.kind === 'no-stream') wrong.setExpectedNoStream(new Empty())
  else if (expected.kind === 'any') wrong.setExpectedAny(new Empty())
  else wrong.setExpectedStreamExists(new Empty())
  answer.setWrongExpectedVersion(wrong)
  return Buffer.from(answer.serializeBinary())
}
