import { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import { unpackToCommandError } from '@eventstore/db-client/dist/streams/appendToStream/unpackError'
import { parseUUID } from '@eventstore/db-client/dist/utils'
import { FieldReader } from './protobuf-fields'

/** What the server answers to one append: the stream's last revision, or why it refused. */
export interface BatchAppendAnswer {
  readonly correlationId: string
  readonly outcome: { readonly revision: number } | { readonly failure: Error }
}

/**
 * `BatchAppendResp`: 1 correlation id { 2 text }, 2 error, 3 success { 1 current revision }. Anything but a plain success is read by the
 * client's own code, which knows every error.
 */
export function readBatchAnswer(bytes: Buffer): BatchAppendAnswer {
  const reader = new FieldReader(bytes)
  let correlationId = ''
  let revision: number | undefined
  while (reader.next()) {
    if (reader.field === 1) correlationId = uuidText(reader.message())
    else if (reader.field === 3) revision = currentRevision(reader.message())
  }
  return correlationId === '' || revision === undefined ? readByClient(bytes) : { correlationId, outcome: { revision } }
}

/** Empty where the id is not in text form. */
function uuidText(uuid: FieldReader): string {
  let text = ''
  while (uuid.next()) if (uuid.field === 2) text = uuid.text()
  return text
}

function currentRevision(success: FieldReader): number {
  // Revision 0 is the default of the field and may be left out.
  let revision = 0
  while (success.next()) if (success.field === 1) revision = success.value
  return revision
}

function readByClient(bytes: Buffer): BatchAppendAnswer {
  const answer = BatchAppendResp.deserializeBinary(bytes)
  const correlationId = parseUUID(answer.getCorrelationId()) ?? ''
  const error = answer.getError()
  if (error === undefined) return { correlationId, outcome: { revision: Number(answer.getSuccess()?.getCurrentRevision() ?? 0) } }
  const stream = Buffer.from(answer.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')
  return { correlationId, outcome: { failure: unpackToCommandError(error, stream) } }
}
