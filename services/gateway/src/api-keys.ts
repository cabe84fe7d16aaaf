import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { RiskError } from '@riskledger/contracts'

/** What a key allows: `publisher` sends events and asks for verdicts, `reader` reads decisions and metrics. */
export type ApiKeyRole = 'publisher' | 'reader'

/** A key as it is kept: never the key itself. */
export interface ApiKey {
  /** Whose it is, 1 to 64 of `a-z`, `0-9`, `-`, `.` and `_`; in logs and metrics. */
  readonly name: string
  readonly role: ApiKeyRole
  /** SHA-256 of the key's text, 64 lowercase hexadecimal digits. */
  readonly sha256: string
  /** Events a second that this key may send; default the gateway's limit. */
  readonly eventsPerSecond?: number
}

/** Most keys of one file: a request is compared with each of them. */
export const MAX_API_KEYS = 1_000

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const SHA256 = /^[0-9a-f]{64}$/
const MEMBERS = ['name', 'role', 'sha256', 'eventsPerSecond']

/** Makes a key of 256 random bits. The text is shown once, to whom it is given; the record goes into the keys file. */
export function createApiKey(name: string, role: ApiKeyRole): { readonly key: string; readonly record: ApiKey } {
  if (!NAME.test(name)) throw invalid(`The key's name is ${JSON.stringify(name)}; it is 1 to 64 of a-z, 0-9, "-", "." and "_".`)
  const key = `rlk_${randomBytes(32).toString('base64url')}`
  return { key, record: { name, role, sha256: createHash('sha256').update(key).digest('hex') } }
}

/**
 * Reads a keys file: `{ "keys": [{ "name": "checkout", "role": "publisher", "sha256": "..." }] }`, with `eventsPerSecond` where a key has a
 * limit of its own. Throws `configuration-invalid`, naming file and place, for anything else, two keys of one name, and more than 1,000.
 */
export function parseApiKeys(text: string, file: string): readonly ApiKey[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${file} is not JSON. It is { "keys": [...] }, as riskledger gateway keys create writes it.`, cause)
  }
  const keys = typeof json === 'object' && json !== null ? (json as { readonly keys?: unknown }).keys : undefined
  if (!Array.isArray(keys))
    throw invalid(`${file} has no list "keys". It is { "keys": [...] }, as riskledger gateway keys create writes it.`)
  if (keys.length > MAX_API_KEYS) throw invalid(`${file} has ${keys.length} keys; the limit is ${MAX_API_KEYS}.`)
  const names = new Set<string>()
  return keys.map((entry: unknown, index) => {
    const place = `${file}: keys[${index}]`
    const key = checkKey(entry, place)
    if (names.has(key.name)) throw invalid(`${place}: another key has the name "${key.name}". Give each a name of its own.`)
    names.add(key.name)
    return key
  })
}

function checkKey(entry: unknown, place: string): ApiKey {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw invalid(`${place} is no object of name, role and sha256.`)
  for (const member of Object.keys(entry)) {
    if (!MEMBERS.includes(member)) throw invalid(`${place} has a member ${JSON.stringify(member)}; it has ${MEMBERS.join(', ')} alone.`)
  }
  const { name, role, sha256, eventsPerSecond } = entry as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || !NAME.test(name)) throw invalid(`${place}: name is no name; it is 1 to 64 of a-z, 0-9, "-", "." and "_".`)
  if (role !== 'publisher' && role !== 'reader') throw invalid(`${place} ("${name}"): role is neither publisher nor reader.`)
  if (typeof sha256 !== 'string' || !SHA256.test(sha256))
    throw invalid(`${place} ("${name}"): sha256 is no SHA-256; it is 64 lowercase hexadecimal digits, never the key itself.`)
  if (eventsPerSecond === undefined) return { name, role, sha256 }
  if (typeof eventsPerSecond !== 'number' || !Number.isInteger(eventsPerSecond) || eventsPerSecond < 1 || eventsPerSecond > 1_000_000)
    throw invalid(`${place} ("${name}"): eventsPerSecond is no whole number from 1 to 1000000.`)
  return { name, role, sha256, eventsPerSecond }
}

/** Finds whose key a request carries. */
export class KeyRing {
  private readonly hashes: readonly { readonly key: ApiKey; readonly hash: Uint8Array }[]

  constructor(keys: readonly ApiKey[]) {
    this.hashes = keys.map((key) => ({ key, hash: Buffer.from(key.sha256, 'hex') }))
  }

  /**
   * The key that an `Authorization` header carries (`Bearer <key>`), or null. Compares with every key in constant time, so that how long it
   * takes says nothing of any of them.
   */
  find(authorization: string | undefined): ApiKey | null {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return null
    const presented = createHash('sha256').update(token).digest()
    let found: ApiKey | null = null
    for (const { key, hash } of this.hashes) if (timingSafeEqual(presented, hash)) found = key
    return found
  }
}

function invalid(message: string, cause?: unknown): RiskError {
  return new RiskError('configuration-invalid', message, { retriable: false, ...(cause === undefined ? {} : { cause }) })
}
