const utf8Slice = (Buffer.prototype as unknown as { utf8Slice: (this: Uint8Array, from: number, to: number) => string }).utf8Slice

/** The text whose UTF-8 is `bytes[from, from + length)`, which the caller has checked. */
export function utf8Text(bytes: Uint8Array, from: number, length: number): string {
  return utf8Slice.call(bytes, from, from + length)
}
