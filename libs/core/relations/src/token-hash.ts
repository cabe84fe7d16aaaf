import { spanText, type TokenSpan } from '@riskledger/events'

/**
 * 32-bit hash of a token (MurmurHash3's 32-bit mixing over UTF-16 code units, two at a time; Appleby, public domain), never 0, so that
 * 0 can mean "none" in a table. Used where a bounded memory holds tokens by hash: two tokens share one with odds of 1 in 4 thousand
 * million, and then one counts as the other. Not keyed: a stranger who could craft a collision could as well send the token itself.
 */
export function hashToken(token: string): number {
  const length = token.length
  let h = 0x3c6ef372
  let i = 0
  for (; i + 1 < length; i += 2) {
    let k = token.charCodeAt(i) | (token.charCodeAt(i + 1) << 16)
    k = Math.imul(k, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  if (i < length) {
    let k = Math.imul(token.charCodeAt(i), 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
  }
  return finish(h, length)
}

function finish(mixed: number, length: number): number {
  let h = mixed ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  h = (h ^ (h >>> 16)) >>> 0
  return h === 0 ? 1 : h
}

/** `hashToken` of the token that lies at a span of a record's bytes, without making text of it; 0 for a token that is absent. */
export function hashSpan(bytes: Uint8Array, span: TokenSpan): number {
  if (span === 0) return 0
  const length = span & 255
  let h = 0x3c6ef372
  let at = span >>> 8
  let strange = 0
  for (const pairsEnd = at + (length & ~1); at < pairsEnd; at += 2) {
    const first = bytes[at]
    const second = bytes[at + 1]
    strange |= first | second
    let k = first | (second << 16)
    k = Math.imul(k, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  if ((length & 1) === 1) {
    strange |= bytes[at]
    let k = Math.imul(bytes[at], 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
  }
  // Beyond ASCII a byte is no code unit.
  if (strange > 0x7f) return hashToken(spanText(bytes, span, false))
  return finish(h, length)
}
