import { StreamNotFoundError } from '@eventstore/db-client'
import type { RecordedEntry } from '@riskledger/contracts'
import { FieldReader } from './protobuf-fields'
import type { Position } from './read-request'

/** One message of a read or a subscription; `other` are those that say nothing to us. */
export type ReadMessage =
  | { readonly kind: 'entry'; readonly entry: RecordedEntry }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'not-found'; readonly failure: StreamNotFoundError }
  | { readonly kind: 'other' }

const OTHER: ReadMessage = { kind: 'other' }

/**
 * `ReadResp`: 1 event, 3 checkpoint, 4 stream not found { 1 identifier { 3 name } }, 8 caught up. Throws `RangeError` on bytes that are
 * not protobuf.
 */
export function readMessage(bytes: Buffer): ReadMessage {
  const reader = new FieldReader(bytes)
  let message = OTHER
  while (reader.next()) {
    const { field } = reader
    if (field === 1) message = readEvent(reader.message())
    else if (field === 3) message = { kind: 'checkpoint', position: checkpoint(reader.message()) }
    else if (field === 4) message = { kind: 'not-found', failure: new StreamNotFoundError(null as never, lastText(reader.message(), 1)) }
    else if (field === 8) message = { kind: 'caught-up' }
  }
  return message
}

/** `Checkpoint`: 1 commit, 2 prepare position. */
function checkpoint(reader: FieldReader): Position {
  let commit = 0n
  let prepare = 0n
  while (reader.next()) {
    if (reader.field === 1) commit = reader.bigValue()
    else if (reader.field === 2) prepare = reader.bigValue()
  }
  return { commit, prepare }
}

/** `ReadEvent`: 1 event, 2 link, 3 commit position. A link whose target was deleted has no event; nothing of ours writes links. */
function readEvent(reader: FieldReader): ReadMessage {
  while (reader.next()) if (reader.field === 1) return { kind: 'entry', entry: recordedEntry(reader.message()) }
  return OTHER
}

const TICKS_DIGITS = 4

/**
 * `RecordedEvent`: 1 id { 2 text }, 2 stream identifier { 3 name }, 3 revision, 4 prepare, 5 commit position, 6 metadata map, 7 custom
 * metadata, 8 data. JSON comes back as the bytes that were recorded.
 */
function recordedEntry(reader: FieldReader): RecordedEntry {
  let id = ''
  let stream = ''
  let type = ''
  let contentType: RecordedEntry['contentType'] = 'binary'
  let createdMs = 0
  let revision = 0
  let prepare = 0n
  let commit = 0n
  let metadata = EMPTY
  let data = EMPTY
  while (reader.next()) {
    const { field } = reader
    if (field === 1) id = fieldText(reader.message(), 2)
    else if (field === 2) stream = fieldText(reader.message(), 3)
    else if (field === 3) revision = reader.value
    else if (field === 4) prepare = reader.bigValue()
    else if (field === 5) commit = reader.bigValue()
    else if (field === 6) {
      const entry = reader.message()
      const key = fieldText(entry, 1)
      const value = fieldText(reader.message(), 2)
      if (key === 'type') type = value
      else if (key === 'content-type') contentType = value === 'application/json' ? 'json' : 'binary'
      else if (key === 'created') createdMs = millisecondsOf(value)
    } else if (field === 7) metadata = ownBytes(reader)
    else if (field === 8) data = ownBytes(reader)
  }
  return { id, type, contentType, data, metadata, stream, revision, createdMs, position: { commit, prepare } }
}

/** The text in the last field of this number; empty where there is none. */
function fieldText(reader: FieldReader, field: number): string {
  let text = ''
  while (reader.next()) if (reader.field === field) text = reader.text()
  return text
}

/** The stream's name in an identifier one message further in. */
function lastText(reader: FieldReader, field: number): string {
  let text = ''
  while (reader.next()) if (reader.field === field) text = fieldText(reader.message(), 3)
  return text
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** A view where the field is most of the memory under it, else a copy: a small entry must not keep what it came with in memory. */
function ownBytes({ bytes, start, end }: FieldReader): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  return 2 * view.length >= bytes.buffer.byteLength ? view : view.slice()
}

/** From ticks of 100 ns since 1970, as text; 0 where they cannot be read, as the client has it. */
function millisecondsOf(ticks: string): number {
  const milliseconds = Number(ticks.slice(0, -TICKS_DIGITS))
  return Number.isSafeInteger(milliseconds) ? milliseconds : 0
}
