import { inflateRawSync } from 'node:zlib'
import { RiskError, type RecordedEntry } from '@riskledger/contracts'
import { type ChainHead, type EntryMetadata, entryId, recompute } from './seal-entry'

/** An entry of a hash-chained stream, found whole. */
export interface OpenedEntry {
  readonly stream: string
  readonly revision: number
  readonly id: string
  readonly type: string
  /** Plain data: inflated where it was deflated. */
  readonly data: Uint8Array
  readonly metadata: EntryMetadata
  readonly head: ChainHead
  /** Bytes of data and metadata as the ledger stores them. */
  readonly storedBytes: number
}

export type OpenResult = { readonly kind: 'whole'; readonly entry: OpenedEntry } | { readonly kind: 'faulty'; readonly reason: string }

/** No entry's plain data is larger: a batch closes at 512 KiB, one input may follow it, decisions have entries of their own. */
const MAX_PLAIN_BYTES = 16 * 1024 * 1024

/** Room that inflating gets at a time: what the stored bytes will most likely open to, so that most entries come in one piece, without joining. */
const LEAST_INFLATE_BYTES = 1024
const MOST_INFLATE_BYTES = 64 * 1024
const LIKELY_RATIO = 8

/** Types whose data is Avro; that of all others is JSON. */
const BINARY_TYPES: ReadonlySet<string> = new Set(['InputsScreened', 'RelationsLearned', 'ArtifactStored'])

const HASH = /^[0-9a-f]{64}$/

/**
 * Checks an entry against the one before it: its revision, its link, its hash, its id. Returns what is wrong in plain words and never throws
 * on damaged content.
 */
export function openEntry(previous: ChainHead, recorded: RecordedEntry): OpenResult {
  if (recorded.revision !== previous.revision + 1) {
    return faulty(
      `revision ${recorded.revision} follows ${previous.revision}: ${recorded.revision - previous.revision - 1} entries are missing`,
    )
  }
  const metadata = readMetadata(recorded.metadata)
  if (metadata === null) return faulty('its metadata cannot be read')
  const plain = readPlain(recorded, metadata)
  if (plain === null) return faulty('its data cannot be inflated')
  if (recorded.contentType !== contentTypeOf(recorded.type)) {
    return faulty(`its content type is ${recorded.contentType}; a ${recorded.type} is written as ${contentTypeOf(recorded.type)}`)
  }
  if (metadata.previousEntryHash !== previous.entryHash) {
    return faulty(`it names ${short(metadata.previousEntryHash)} as the entry before it, which is ${short(previous.entryHash)}`)
  }
  const { entryHash: hash, metadata: canonical } = recompute(recorded.type, plain, metadata)
  if (hash !== metadata.entryHash) {
    return faulty(
      `entry hash ${short(metadata.entryHash)} does not match its content (${short(hash)}). The entry was altered after it was written`,
    )
  }
  if (Buffer.compare(Buffer.from(canonical), recorded.metadata) !== 0)
    return faulty('its metadata is not in canonical form, or says more than was hashed')
  if (recorded.id !== entryId(previous, hash)) return faulty(`its id ${recorded.id} does not derive from its content and place`)
  return {
    kind: 'whole',
    entry: {
      stream: recorded.stream,
      revision: recorded.revision,
      id: recorded.id,
      type: recorded.type,
      data: plain,
      metadata,
      head: { stream: recorded.stream, revision: recorded.revision, entryHash: hash },
      storedBytes: recorded.data.length + recorded.metadata.length,
    },
  }
}

/** The metadata of an entry, or null where it is not what `sealEntry` writes. */
export function readMetadata(bytes: Uint8Array): EntryMetadata | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  const metadata = parsed as EntryMetadata
  const whole =
    HASH.test(metadata.engineHash) &&
    HASH.test(metadata.policyHash) &&
    HASH.test(metadata.previousEntryHash) &&
    HASH.test(metadata.entryHash) &&
    (metadata.encoding === undefined || metadata.encoding === 'deflate-raw')
  return whole ? metadata : null
}

/**
 * The plain data and the metadata of an entry, for readers that follow a stream and leave its chain to `openEntry` and verify.
 * Throws `ledger-corrupt` naming stream and revision where either cannot be read.
 */
export function readEntry(recorded: RecordedEntry): { readonly data: Uint8Array; readonly metadata: EntryMetadata } {
  const metadata = readMetadata(recorded.metadata)
  if (metadata === null) throw unreadable(recorded, 'its metadata cannot be read')
  const data = readPlain(recorded, metadata)
  if (data === null) throw unreadable(recorded, 'its data cannot be inflated')
  return { data, metadata }
}

function unreadable({ stream, revision }: RecordedEntry, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${stream}@${revision}: ${reason}. Run riskledger verify.`, {
    retriable: false,
    context: { stream, revision },
  })
}

function readPlain(recorded: RecordedEntry, metadata: EntryMetadata): Uint8Array | null {
  if (metadata.encoding === undefined) return recorded.data
  try {
    const likelyBytes = recorded.data.length * LIKELY_RATIO
    const chunkSize = Math.min(MOST_INFLATE_BYTES, Math.max(LEAST_INFLATE_BYTES, likelyBytes))
    return inflateWhole(recorded.data, { chunkSize, maxOutputLength: MAX_PLAIN_BYTES })
  } catch {
    return null
  }
}

/** What inflating gives where `info` is asked for, which the declared type leaves out. */
interface Inflated {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/** Inflates bytes that are one stream and nothing else; null where others follow it, which no hash covers. */
function inflateWhole(data: Uint8Array, options: { readonly chunkSize: number; readonly maxOutputLength: number }): Uint8Array | null {
  const { buffer, engine } = inflateRawSync(data, { ...options, info: true }) as unknown as Inflated
  return engine.bytesWritten === data.length ? buffer : null
}

/** How the data of an entry of this type is written. */
export function contentTypeOf(type: string): RecordedEntry['contentType'] {
  return BINARY_TYPES.has(type) ? 'binary' : 'json'
}

function faulty(reason: string): OpenResult {
  return { kind: 'faulty', reason }
}

function short(hash: string): string {
  return `${hash.slice(0, 4)}…`
}
