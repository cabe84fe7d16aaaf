import { createHash, hash as hashOnce } from 'node:crypto'
import type { ProposedEntry } from '@riskledger/contracts'
import { uuidV5 } from '@riskledger/events'

/** Where a stream stands: the revision and hash of its last entry. Before its first: revision -1 and 64 zeros. */
export interface ChainHead {
  readonly stream: string
  readonly revision: number
  /** SHA-256 in hex. */
  readonly entryHash: string
}

/** What every entry of a hash-chained stream carries beside its data. */
export interface EntryMetadata {
  /** `deflate-raw`: the stored data is deflated; hashes are over the plain data. Absent: stored as it is. */
  readonly encoding?: 'deflate-raw'
  /** SHA-256 (hex) of the bundle of the code that made it. */
  readonly engineHash: string
  /** SHA-256 (hex) of the policy in force, or 64 zeros before the first. */
  readonly policyHash: string
  readonly firstSequence?: number
  readonly lastSequence?: number
  readonly previousEntryHash: string
  readonly entryHash: string
}

/** What an entry is made of before it has its place in the chain. */
export interface UnsealedEntry {
  readonly type: string
  readonly contentType: 'json' | 'binary'
  /** The plain data: what is hashed. */
  readonly data: Uint8Array
  /** What is stored instead of `data`: the same, deflated; left out: `data`. No library promises deflated bytes, so they are never hashed. */
  readonly deflated?: Uint8Array | undefined
  readonly metadata: Omit<EntryMetadata, 'previousEntryHash' | 'entryHash' | 'encoding'>
}

export interface SealedEntry {
  readonly proposed: ProposedEntry
  readonly head: ChainHead
}

export const ZERO_HASH = '0'.repeat(64)

/** Namespace of entry ids (UUIDv5). */
const ENTRY_NAMESPACE = Buffer.from('6f1f3b0e5c9d4d6aa3f2c7e8b1d04a57', 'hex')
/** Namespace of decision ids (UUIDv5). */
const DECISION_NAMESPACE = Buffer.from('a84d0c5e27f14be19c6bd3f05e7a9214', 'hex')

/** The head of a stream that has no entry yet. */
export function emptyHead(stream: string): ChainHead {
  return { stream, revision: -1, entryHash: ZERO_HASH }
}

/**
 * Gives an entry its place: hash over type, plain data and metadata (which names the previous hash), and the id
 * UUIDv5(stream, revision, previous hash, entry hash), so that equal ids mean equal content at the same place.
 */
export function sealEntry(previous: ChainHead, entry: UnsealedEntry): SealedEntry {
  const unhashed = hashedMetadata(entry.metadata, { deflated: entry.deflated !== undefined, previousEntryHash: previous.entryHash })
  const entryHash = hashEntry(entry.type, entry.data, unhashed)
  const revision = previous.revision + 1
  return {
    proposed: {
      id: entryId(previous, entryHash),
      type: entry.type,
      contentType: entry.contentType,
      data: entry.deflated ?? entry.data,
      metadata: Buffer.from(withEntryHash(unhashed, entryHash)),
    },
    head: { stream: previous.stream, revision, entryHash },
  }
}

function withEntryHash(unhashed: string, entryHash: string): string {
  return `${unhashed.slice(0, -1)},"entryHash":"${entryHash}"}`
}

/** The id of the entry that follows `previous` and has this hash. */
export function entryId(previous: ChainHead, entryHash: string): string {
  return uuidV5(ENTRY_NAMESPACE, Buffer.from(`${previous.stream}|${previous.revision + 1}|${previous.entryHash}|${entryHash}`))
}

/** The id of the n-th decision of a batch, from the id of the batch's `InputsScreened` entry. */
export function decisionId(inputsEntryId: string, index: number): string {
  return uuidV5(DECISION_NAMESPACE, Buffer.from(`${inputsEntryId}|${index}`))
}

/** Canonical metadata without `entryHash`, in the fixed order of keys: the text that is hashed. */
function hashedMetadata(
  metadata: UnsealedEntry['metadata'],
  chain: { readonly deflated: boolean; readonly previousEntryHash: string },
): string {
  // What is undefined is left out.
  return JSON.stringify({
    encoding: chain.deflated ? 'deflate-raw' : undefined,
    engineHash: metadata.engineHash,
    policyHash: metadata.policyHash,
    firstSequence: metadata.firstSequence,
    lastSequence: metadata.lastSequence,
    previousEntryHash: chain.previousEntryHash,
  })
}

/** SHA-256 over length-prefixed type, plain data and metadata without its `entryHash`; lengths are 8 bytes, big-endian. */
function hashEntry(type: string, plain: Uint8Array, metadata: string): string {
  const typeBytes = Buffer.byteLength(type)
  const metadataBytes = Buffer.byteLength(metadata)
  const copied = plain.length <= COPIED_BYTES
  const framed = Buffer.allocUnsafe(3 * LENGTH_BYTES + typeBytes + metadataBytes + (copied ? plain.length : 0))
  let at = writeLength(framed, typeBytes, 0)
  at += framed.write(type, at)
  at = writeLength(framed, plain.length, at)
  const plainAt = at
  if (copied) {
    framed.set(plain, at)
    at += plain.length
  }
  at = writeLength(framed, metadataBytes, at)
  framed.write(metadata, at)
  if (copied) return hashOnce('sha256', framed, 'hex')
  return createHash('sha256').update(framed.subarray(0, plainAt)).update(plain).update(framed.subarray(plainAt)).digest('hex')
}

const LENGTH_BYTES = 8
/** Up to here it costs less to copy an entry's data between type and metadata than to hash the three by one call each. */
const COPIED_BYTES = 16 * 1024

/** Writes a length, big-endian, and returns the place behind it. */
function writeLength(target: Buffer, length: number, at: number): number {
  return target.writeUInt32BE(length, target.writeUInt32BE(0, at))
}

/** What an entry's hash and metadata must be, from what was recorded: its type, its plain data, its metadata as read. */
export function recompute(
  type: string,
  plain: Uint8Array,
  metadata: EntryMetadata,
): { readonly entryHash: string; readonly metadata: string } {
  const unhashed = hashedMetadata(metadata, {
    deflated: metadata.encoding === 'deflate-raw',
    previousEntryHash: metadata.previousEntryHash,
  })
  const entryHash = hashEntry(type, plain, unhashed)
  return { entryHash, metadata: withEntryHash(unhashed, entryHash) }
}
