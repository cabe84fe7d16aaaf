import { createHash } from 'node:crypto'
import { HEX_OF_BYTE, hexValue } from './hex'

/** Where the hexadecimal digit pairs of a UUID's 16 bytes stand in its 36 characters. */
const PAIR_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const

/** The UUID in `bytes[from, from + 16)` as 36 lowercase characters. The caller has checked the bounds. */
export function uuidText(bytes: Uint8Array, from: number): string {
  const hex = HEX_OF_BYTE
  return (
    hex[bytes[from]] +
    hex[bytes[from + 1]] +
    hex[bytes[from + 2]] +
    hex[bytes[from + 3]] +
    '-' +
    hex[bytes[from + 4]] +
    hex[bytes[from + 5]] +
    '-' +
    hex[bytes[from + 6]] +
    hex[bytes[from + 7]] +
    '-' +
    hex[bytes[from + 8]] +
    hex[bytes[from + 9]] +
    '-' +
    hex[bytes[from + 10]] +
    hex[bytes[from + 11]] +
    hex[bytes[from + 12]] +
    hex[bytes[from + 13]] +
    hex[bytes[from + 14]] +
    hex[bytes[from + 15]]
  )
}

/** Writes the 16 bytes of a UUID in text, either case, to `target[at, at + 16)`. False, with nothing promised of them, if it is none. */
export function writeUuid(text: string, target: Uint8Array, at: number): boolean {
  if (text.length !== 36) return false
  if (text.charCodeAt(8) !== 45 || text.charCodeAt(13) !== 45 || text.charCodeAt(18) !== 45 || text.charCodeAt(23) !== 45) return false
  for (let i = 0; i < 16; i++) {
    const pair = PAIR_AT[i]
    const high = hexValue(text.charCodeAt(pair))
    const low = hexValue(text.charCodeAt(pair + 1))
    if (high < 0 || low < 0) return false
    target[at + i] = (high << 4) | low
  }
  return true
}

/** The 16 bytes of a UUID in text. Throws `RangeError` if it is none. */
export function uuidBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  if (!writeUuid(text, bytes, 0)) throw new RangeError(`not a UUID: ${JSON.stringify(text.slice(0, 80))}`)
  return bytes
}

/** The UUID of version 5 (RFC 9562, section 5.5): SHA-1 over the namespace's 16 bytes and the name. */
export function uuidV5(namespace: Uint8Array, name: Uint8Array): string {
  const digest = createHash('sha1').update(namespace).update(name).digest()
  digest[6] = (digest[6] & 0x0f) | 0x50
  digest[8] = (digest[8] & 0x3f) | 0x80
  return uuidText(digest, 0)
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
  /** Ids of events that the simulation makes. */
  simulatedEvent: namespaceOf('simulated-event'),
} as const

function namespaceOf(name: string): Uint8Array {
  const url = uuidBytes('6ba7b811-9dad-11d1-80b4-00c04fd430c8')
  return uuidBytes(uuidV5(url, new TextEncoder().encode(`https://riskledger.dev/namespaces/${name}`)))
}
