import { WireReader } from './wire-reader'

/** What the caller expects of the stream: `exact` with a revision, or one of the three named states. */
export type Expected =
  | { readonly kind: 'exact'; readonly revision: number }
  | { readonly kind: 'no-stream' }
  | { readonly kind: 'any' }
  | { readonly kind: 'stream-exists' }

/** Where one proposed event lies inside a request's bytes: `[start, end)`. */
export interface ProposedRange {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** One message of the BatchAppend call. */
export interface BatchAppendMessage {
  /** Bytes of the UUID message, echoed in the answer. */
  readonly correlation: Buffer
  /** Latin-1 of the same bytes: the key under which a batch's messages meet. */
  readonly correlationKey: string
  /** Only in a batch's first message. */
  readonly options: { readonly stream: string; readonly expected: Expected } | undefined
  readonly proposed: ProposedRange[]
  readonly isFinal: boolean
}

/**
 * Reads `BatchAppendReq`: 1 correlation id, 2 options, 3 proposed message (repeated), 4 is final. Throws `RangeError` on bytes
 * that are not protobuf.
 */
export function readBatchAppend(bytes: Buffer): BatchAppendMessage {
  const reader = new WireReader(bytes)
  let correlation = bytes.subarray(0, 0)
  let options: BatchAppendMessage['options']
  let isFinal = false
  const proposed: ProposedRange[] = []
  while (reader.next()) {
    if (reader.field === 3) {
      const length = reader.length()
      proposed.push({ bytes, start: reader.position, end: reader.position + length })
      reader.position += length
    } else if (reader.field === 1) {
      const length = reader.length()
      correlation = bytes.subarray(reader.position, reader.position + length)
      reader.position += length
    } else if (reader.field === 2) {
      const length = reader.length()
      options = readOptions(bytes, reader.position, reader.position + length)
      reader.position += length
    } else if (reader.field === 4) {
      isFinal = reader.varint() !== 0
    } else {
      reader.skip()
    }
  }
  return { correlation, correlationKey: correlation.toString('latin1'), options, proposed, isFinal }
}

/** One message of the client-streaming Append call: 1 options, 2 proposed message. */
export function readAppend(bytes: Buffer): {
  options: { stream: string; expected: Expected } | undefined
  proposed: ProposedRange | undefined
} {
  const reader = new WireReader(bytes)
  let options: { stream: string; expected: Expected } | undefined
  let proposed: ProposedRange | undefined
  while (reader.next()) {
    if (reader.field !== 1 && reader.field !== 2) {
      reader.skip()
      continue
    }
    const isOptions = reader.field === 1
    const length = reader.length()
    if (isOptions) options = readOptions(bytes, reader.position, reader.position + length)
    else proposed = { bytes, start: reader.position, end: reader.position + length }
    reader.position += length
  }
  return { options, proposed }
}

/** The options of both append calls number the expected state alike: 2 exact revision, 3 no stream, 4 any, 5 stream exists. */
function readOptions(bytes: Buffer, start: number, end: number): { stream: string; expected: Expected } {
  const reader = new WireReader(bytes, start, end)
  let stream = ''
  let expected: Expected = { kind: 'any' }
  while (reader.next()) {
    const field = reader.field
    if (field === 1) {
      const length = reader.length()
      stream = readStreamIdentifier(bytes, reader.position, reader.position + length)
      reader.position += length
    } else if (field === 2) {
      expected = { kind: 'exact', revision: Number(reader.bigVarint()) }
    } else {
      if (field === 3) expected = { kind: 'no-stream' }
      else if (field === 4) expected = { kind: 'any' }
      else if (field === 5) expected = { kind: 'stream-exists' }
      reader.skip()
    }
  }
  return { stream, expected }
}

/** `StreamIdentifier`: 3 stream name. */
function readStreamIdentifier(bytes: Buffer, start: number, end: number): string {
  const reader = new WireReader(bytes, start, end)
  let name = ''
  while (reader.next()) {
    if (reader.field !== 3) {
      reader.skip()
      continue
    }
    const length = reader.length()
    name = bytes.toString('utf8', reader.position, reader.position + length)
    reader.position += length
  }
  return name
}
