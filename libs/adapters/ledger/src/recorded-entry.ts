import type { AllStreamRecordedEvent, RecordedEvent } from '@eventstore/db-client'
import type { RecordedEntry } from '@riskledger/contracts'

const EMPTY = new Uint8Array(0)

/**
 * An entry as the client delivers it, back in bytes. The client parses JSON; writing it again gives the recorded bytes as long as
 * they were canonical, which all of ours are. Anything else differs from its recorded hash, as it should.
 */
export function recordedEntry(event: RecordedEvent | AllStreamRecordedEvent): RecordedEntry {
  const position = (event as { position?: { commit: bigint; prepare: bigint } }).position
  return {
    id: event.id,
    type: event.type,
    contentType: event.isJson ? 'json' : 'binary',
    data: event.isJson ? jsonBytes(event.data) : event.data,
    metadata: metadataBytes(event.metadata),
    stream: event.streamId,
    revision: Number(event.revision),
    createdMs: event.created.getTime(),
    ...(position === undefined ? {} : { position }),
  }
}

function jsonBytes(data: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(data))
}

function metadataBytes(metadata: unknown): Uint8Array {
  if (metadata === undefined) return EMPTY
  return metadata instanceof Uint8Array ? metadata : jsonBytes(metadata)
}
