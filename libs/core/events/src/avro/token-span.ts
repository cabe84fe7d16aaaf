import { asciiText } from '../text/ascii'
import { slotOf, StringTable } from '../text/string-table'
import { utf8Text } from '../text/utf8'

/**
 * Where a token's bytes lie, in one small integer: start * 256 + length. Bytes below 4 MiB and tokens of at most 255 bytes fit;
 * 0 is no span, since a record begins with its header.
 */
export type TokenSpan = number

const TEXTS = new StringTable()

/** The span of `length` bytes from `at` on. */
export function spanAt(at: number, length: number): TokenSpan {
  return (at << 8) | length
}

/** First byte of a span. */
export function spanStart(span: TokenSpan): number {
  return span >>> 8
}

/** How many bytes it has. */
export function spanLength(span: TokenSpan): number {
  return span & 255
}

/** The token of a span that `AvroReader.tokenSpan` gave. `repeats`: likely met before, so that the same string is given out again. */
export function spanText(bytes: Uint8Array, span: TokenSpan, repeats: boolean): string {
  const from = span >>> 8
  const length = span & 255
  let any = 0
  for (let i = from, end = from + length; i < end; i++) any |= bytes[i]
  if (any > 0x7f) return utf8Text(bytes, from, length)
  if (!repeats) return asciiText(bytes, from, length)
  const slot = slotOf(bytes, from, length)
  const known = TEXTS.find(slot, bytes, from, length)
  if (known !== undefined) return known
  const text = asciiText(bytes, from, length)
  TEXTS.remember(slot, text)
  return text
}
