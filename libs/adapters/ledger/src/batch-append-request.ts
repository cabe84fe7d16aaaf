import type { ExpectedRevision, ProposedEntry } from '@riskledger/contracts'
import { varintBytes, writeVarint } from './protobuf-fields'

/** One append on its way, all of it in one message. */
export interface BatchAppend {
  /** A UUID's text, by which the answer is told from others. */
  readonly correlationId: string
  readonly stream: string
  readonly expected: ExpectedRevision
  /** Epoch milliseconds after which the server need not try any more. */
  readonly deadlineMs: number
  readonly entries: readonly ProposedEntry[]
}

const JSON_TYPE = contentTypeEntry('application/json')
const BINARY_TYPE = contentTypeEntry('application/octet-stream')

/** `ProposedMessage`'s field 2, the map entry for the content type. */
function contentTypeEntry(contentType: string): Buffer {
  const key = Buffer.from('content-type')
  const value = Buffer.from(contentType)
  return Buffer.concat([
    Buffer.from([0x12, key.length + value.length + 4, 0x0a, key.length]),
    key,
    Buffer.from([0x12, value.length]),
    value,
  ])
}

/** Bytes of a field with a length: its tag (fields below 16), its length and as many bytes. */
function sized(length: number): number {
  return 1 + varintBytes(length) + length
}

function writeText(out: Buffer, at: number, text: string): number {
  at = writeVarint(out, at, Buffer.byteLength(text))
  return at + out.write(text, at, 'utf8')
}

function writeBytes(out: Buffer, at: number, bytes: Uint8Array): number {
  at = writeVarint(out, at, bytes.length)
  out.set(bytes, at)
  return at + bytes.length
}

/** `BatchAppendReq.Options`: 1 stream identifier { 3 name }, 2 exact revision or 3 no stream, 6 deadline { 1 seconds, 2 nanoseconds }. */
function encodeOptions({ stream, expected, deadlineMs }: BatchAppend): Buffer {
  const name = Buffer.byteLength(stream)
  const seconds = Math.floor(deadlineMs / 1000)
  const nanoseconds = Math.floor(deadlineMs % 1000) * 1_000_000
  const deadline = 2 + varintBytes(seconds) + varintBytes(nanoseconds)
  const state = expected === 'no-stream' ? 2 : 1 + varintBytes(expected)
  const out = Buffer.allocUnsafe(sized(sized(name)) + state + sized(deadline))
  let at = writeVarint(out, 0, 0x0a)
  at = writeVarint(out, at, sized(name))
  at = writeVarint(out, at, 0x1a)
  at = writeText(out, at, stream)
  at = writeVarint(out, at, expected === 'no-stream' ? 0x1a : 0x10)
  at = writeVarint(out, at, expected === 'no-stream' ? 0 : expected)
  at = writeVarint(out, at, 0x32)
  at = writeVarint(out, at, deadline)
  at = writeVarint(out, at, 0x08)
  at = writeVarint(out, at, seconds)
  at = writeVarint(out, at, 0x10)
  writeVarint(out, at, nanoseconds)
  return out
}

/** Bytes of a `ProposedMessage`: 1 id { 2 text }, 2 map of type and content type, 3 custom metadata, 4 data. */
function proposedBytes({ id, type, contentType, data, metadata }: ProposedEntry): number {
  return (
    sized(sized(id.length)) +
    sized(6 + sized(Buffer.byteLength(type))) +
    (contentType === 'json' ? JSON_TYPE : BINARY_TYPE).length +
    sized(metadata.length) +
    sized(data.length)
  )
}

function writeProposed(out: Buffer, at: number, { id, type, contentType, data, metadata }: ProposedEntry): number {
  out[at++] = 0x0a
  at = writeVarint(out, at, sized(id.length))
  out[at++] = 0x12
  at = writeText(out, at, id)
  out[at++] = 0x12
  at = writeVarint(out, at, 6 + sized(Buffer.byteLength(type)))
  at += out.write('\n\u0004type\u0012', at, 'latin1')
  at = writeText(out, at, type)
  at += (contentType === 'json' ? JSON_TYPE : BINARY_TYPE).copy(out, at)
  out[at++] = 0x1a
  at = writeBytes(out, at, metadata)
  out[at++] = 0x22
  return writeBytes(out, at, data)
}

/**
 * `BatchAppendReq`: 1 correlation id { 2 text }, 2 options, 3 proposed message (repeated), 4 is final. Every byte of the entries is
 * copied once; JSON goes as it is.
 */
export function encodeBatchAppend(append: BatchAppend): Buffer {
  const { correlationId, entries } = append
  const options = encodeOptions(append)
  let length = sized(sized(correlationId.length)) + sized(options.length) + 2
  for (const entry of entries) length += sized(proposedBytes(entry))
  const out = Buffer.allocUnsafe(length)
  let at = writeVarint(out, 0, 0x0a)
  at = writeVarint(out, at, sized(correlationId.length))
  out[at++] = 0x12
  at = writeText(out, at, correlationId)
  out[at++] = 0x12
  at = writeBytes(out, at, options)
  for (const entry of entries) {
    out[at++] = 0x1a
    at = writeVarint(out, at, proposedBytes(entry))
    at = writeProposed(out, at, entry)
  }
  out[at++] = 0x20
  out[at] = 1
  return out
}
