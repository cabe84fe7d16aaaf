/** What is known of one topic and partition: offsets `[start, end)` and the bytes of its batches. */
export interface LogHead {
  start: number
  end: number
  bytes: number
}

/** 24 bytes, little-endian doubles. */
export function encodeHead(head: LogHead): Uint8Array {
  return new Uint8Array(Float64Array.of(head.start, head.end, head.bytes).buffer)
}

/** An absent head is that of an empty topic and partition. */
export function decodeHead(bytes: Uint8Array | undefined): LogHead {
  if (bytes === undefined) return { start: 0, end: 0, bytes: 0 }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { start: view.getFloat64(0, true), end: view.getFloat64(8, true), bytes: view.getFloat64(16, true) }
}

/** Of the whole log: how many transactions there were, which tells readers that something changed, and the bytes of all batches. */
export interface LogTally {
  readonly version: number
  readonly bytes: number
}

/** 16 bytes, little-endian doubles. */
export function encodeTally({ version, bytes }: LogTally): Uint8Array {
  return new Uint8Array(Float64Array.of(version, bytes).buffer)
}

/** An absent tally is that of an empty log. */
export function decodeTally(bytes: Uint8Array | undefined): LogTally {
  if (bytes === undefined) return { version: 0, bytes: 0 }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { version: view.getFloat64(0, true), bytes: view.getFloat64(8, true) }
}
