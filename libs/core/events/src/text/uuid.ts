import { hash } from 'node:crypto'
import { byteAt, HEX_OF_BYTE } from './hex'

/** Where the hexadecimal digit pairs of a UUID's 16 bytes stand in its 36 characters. */
const PAIR_AT: Uint8Array = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34)

/** Character codes of a byte's two lowercase hexadecimal digits. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => HEX_OF_BYTE[byte].charCodeAt(0))
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => HEX_OF_BYTE[byte].charCodeAt(1))

/**
 * The UUID in `bytes[from, from + 16)` as 36 lowercase characters. The caller has checked the bounds. One call with every character makes
 * one flat string; adding pairs up is as fast and leaves a rope of a dozen pieces behind.
 */
// prettier-ignore
export function uuidText(bytes: Uint8Array, from: number): string {
  const a = bytes[from], b = bytes[from + 1], c = bytes[from + 2], d = bytes[from + 3]
  const e = bytes[from + 4], f = bytes[from + 5], g = bytes[from + 6], h = bytes[from + 7]
  const i = bytes[from + 8], j = bytes[from + 9], k = bytes[from + 10], l = bytes[from + 11]
  const m = bytes[from + 12], n = bytes[from + 13], o = bytes[from + 14], p = bytes[from + 15]
  return String.fromCharCode(
    HIGH[a], LOW[a], HIGH[b], LOW[b], HIGH[c], LOW[c], HIGH[d], LOW[d], 45,
    HIGH[e], LOW[e], HIGH[f], LOW[f], 45, HIGH[g], LOW[g], HIGH[h], LOW[h], 45,
    HIGH[i], LOW[i], HIGH[j], LOW[j], 45, HIGH[k], LOW[k], HIGH[l], LOW[l],
    HIGH[m], LOW[m], HIGH[n], LOW[n], HIGH[o], LOW[o], HIGH[p], LOW[p],
  )
}

/** True if the 16 bytes at `from` are all zero: the nil UUID, which is nobody's. */
export function isNilUuid(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < from + 16; i++) if (bytes[i] !== 0) return false
  return true
}

/** Writes the 16 bytes of a UUID in text, either case, to `target[at, at + 16)`. False, with nothing promised of them, if it is none. */
export function writeUuid(text: string, target: Uint8Array, at: number): boolean {
  if (text.length !== 36) return false
  if (text.charCodeAt(8) !== 45 || text.charCodeAt(13) !== 45 || text.charCodeAt(18) !== 45 || text.charCodeAt(23) !== 45) return false
  let any = 0
  for (let i = 0; i < 16; i++) {
    const byte = byteAt(text, PAIR_AT[i])
    any |= byte
    target[at + i] = byte
  }
  return any >= 0
}

/** The 16 bytes of a UUID in text. Throws `RangeError` if it is none. */
export function uuidBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  if (!writeUuid(text, bytes, 0)) throw new RangeError(`not a UUID: ${JSON.stringify(text.slice(0, 80))}`)
  return bytes
}

/** The UUID of version 5 (RFC 9562, section 5.5): SHA-1 over the namespace's 16 bytes and the name. */
export function uuidV5(namespace: Uint8Array, name: Uint8Array): string {
  const digest = hash('sha1', Buffer.concat([namespace, name]), 'buffer')
  digest[6] = (digest[6] & 0x0f) | 0x50
  digest[8] = (digest[8] & 0x3f) | 0x80
  return uuidText(digest, 0)
}

/**
 * The UUID of version 7 (RFC 9562, section 5.7) of a moment, epoch milliseconds, and at least ten bytes that the caller drew at random: later
 * moments sort behind earlier ones.
 */
export function uuidV7(timeMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, Math.floor(timeMs / 0x1_0000))
  view.setUint16(4, timeMs % 0x1_0000)
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = (bytes[6] & 0x0f) | 0x70
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return uuidText(bytes, 0)
}

/**
 * Namespaces of the UUIDs that RiskLedger derives, fixed for good: each is the UUIDv5 of its name under the URL namespace of RFC 9562,
 * `https://riskledger.dev/namespaces/<name>`.
 */
export const UUID_NAMESPACES = {
  /** Ids of ledger entries. */
  entry: namespaceOf('entry'),
  /** Ids of decisions. */
  decision: namespaceOf('decision'),
  /** Ids of events that an import makes from rows. */
  importedEvent: namespaceOf('imported-event'),
  /** Ids of events that repair a refused input. */
  redrivenEvent: namespaceOf('redriven-event'),
  /** Ids of messages on the risk topics. */
  message: namespaceOf('message'),
  /** Ids of events that the simulation makes. */
  simulatedEvent: namespaceOf('simulated-event'),
} as const

function namespaceOf(name: string): Uint8Array {
  const url = uuidBytes('6ba7b811-9dad-11d1-80b4-00c04fd430c8')
  return uuidBytes(uuidV5(url, new TextEncoder().encode(`https://riskledger.dev/namespaces/${name}`)))
}
