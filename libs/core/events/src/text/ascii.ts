const latin1Slice = (Buffer.prototype as unknown as { latin1Slice: (this: Uint8Array, from: number, to: number) => string }).latin1Slice

/**
 * The ASCII text in `bytes[from, from + length)`, which the caller has checked. Up to 8 characters one call with all of them costs a
 * third of the way through native code.
 */
export function asciiText(bytes: Uint8Array, from: number, length: number): string {
  const code = String.fromCharCode
  const at = from
  switch (length) {
    case 0:
      return ''
    case 1:
      return code(bytes[at])
    case 2:
      return code(bytes[at], bytes[at + 1])
    case 3:
      return code(bytes[at], bytes[at + 1], bytes[at + 2])
    case 4:
      return code(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
    case 5:
      return code(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4])
    case 6:
      return code(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5])
    case 7:
      return code(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5], bytes[at + 6])
    case 8:
      return code(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7])
    default:
      return latin1Slice.call(bytes, from, from + length)
  }
}
