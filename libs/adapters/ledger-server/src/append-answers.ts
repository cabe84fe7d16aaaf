import { Any } from 'google-protobuf/google/protobuf/any_pb'
import { Empty as GoogleEmpty } from 'google-protobuf/google/protobuf/empty_pb'
import { Empty, MaximumAppendSizeExceeded, StreamIdentifier, UUID, WrongExpectedVersion } from '@eventstore/db-client/generated/shared_pb'
import { Status } from '@eventstore/db-client/generated/status_pb'
import { AppendResp, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import { status as grpcStatus } from '@grpc/grpc-js'
import type { Expected } from './append-request'
import type { AppendOutcome } from './ledger-book'
import { varintBytes, writeVarint } from './wire-writer'

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

/** Field numbers of the expected state in a BatchAppend answer. */
const EXPECTED_FIELD = { exact: 5, 'no-stream': 6, any: 7, 'stream-exists': 8 } as const

/**
 * `BatchAppendResp`: 1 correlation id, 3 success { 1 revision, 3 position { 1 commit, 2 prepare } }, 4 stream identifier { 3 name }, and
 * the expected state. By hand, as there is one for each append: generated code takes a tenth of the server's time for it.
 */
function batchSuccess(
  correlation: Buffer,
  { revision, position }: { readonly revision: number; readonly position: number },
  { stream, expected }: { stream: string; expected: Expected },
): Buffer {
  const positionLength = 2 * (1 + varintBytes(position))
  const successLength = 1 + varintBytes(revision) + 2 + positionLength
  const name = Buffer.byteLength(stream)
  const identifierLength = 1 + varintBytes(name) + name
  const state = expected.kind === 'exact' ? expected.revision : 0
  const out = Buffer.allocUnsafe(
    1 +
      varintBytes(correlation.length) +
      correlation.length +
      2 +
      successLength +
      1 +
      varintBytes(identifierLength) +
      identifierLength +
      1 +
      varintBytes(state),
  )
  out[0] = 0x0a
  let at = writeVarint(out, 1, correlation.length)
  at += correlation.copy(out, at)
  out[at++] = 0x1a
  out[at++] = successLength
  out[at++] = 0x08
  at = writeVarint(out, at, revision)
  out[at++] = 0x1a
  out[at++] = positionLength
  out[at++] = 0x08
  at = writeVarint(out, at, position)
  out[at++] = 0x10
  at = writeVarint(out, at, position)
  out[at++] = 0x22
  at = writeVarint(out, at, identifierLength)
  out[at++] = 0x1a
  at = writeVarint(out, at, name)
  at += out.write(stream, at, 'utf8')
  // A number where a revision is expected, else an empty message.
  out[at++] = EXPECTED_FIELD[expected.kind] * 8 + (expected.kind === 'exact' ? 0 : 2)
  writeVarint(out, at, state)
  return out
}

/** The bytes of the BatchAppend answer to an outcome. */
export function batchOutcome(
  correlation: Buffer,
  outcome: AppendOutcome,
  { stream, expected }: { stream: string; expected: Expected },
): Buffer {
  if (outcome.kind === 'appended') return batchSuccess(correlation, outcome, { stream, expected })
  const answer = batchAnswer(correlation, stream, expected)
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
