import { createHash } from 'node:crypto'
import { RiskError, type Ledger, type ProposedEntry, type RecordedEntry } from '@riskledger/contracts'
import { uuidV5 } from '@riskledger/events'
import { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'
import { artifactStream } from './streams'

/** Bytes of an artifact in one entry. */
const CHUNK_BYTES = 512 * 1024
/** Largest artifact: 64 MiB. */
const MAX_CHUNKS = 128
const ARTIFACT_NAMESPACE = Buffer.from('d1b5a7c03e8f4f269b0c4a7de6f85312', 'hex')

/** An artifact and what it is: a policy, a schema, a bundle of code. */
export interface Artifact {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** SHA-256 in hex: an artifact's name. */
export function artifactHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The `ArtifactStored` entries of an artifact: Avro chunk, chunks, mediaType, bytes; ids derive from content and place. */
export function artifactEntries(artifact: Artifact): readonly ProposedEntry[] {
  const hash = artifactHash(artifact.bytes)
  const chunks = Math.max(1, Math.ceil(artifact.bytes.length / CHUNK_BYTES))
  if (chunks > MAX_CHUNKS)
    throw new RiskError('limit-reached', `an artifact of ${artifact.bytes.length} bytes is over the limit of 64 MiB`, { retriable: false })
  return Array.from({ length: chunks }, (_, chunk) => {
    const bytes = artifact.bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)
    const writer = new AvroWriter(bytes.length + 256)
    writer.long(chunk)
    writer.long(chunks)
    writer.string(artifact.mediaType)
    writer.bytes(bytes)
    return {
      id: uuidV5(ARTIFACT_NAMESPACE, Buffer.from(`${hash}|${chunk}|${artifact.mediaType}`)),
      type: 'ArtifactStored',
      contentType: 'binary' as const,
      data: writer.take(),
      metadata: Buffer.from('{}'),
    }
  })
}

/** Stores an artifact under its hash and returns the hash; storing what is there already changes nothing. */
export async function storeArtifact(ledger: Ledger, artifact: Artifact, environment = ''): Promise<string> {
  const hash = artifactHash(artifact.bytes)
  const stream = artifactStream(hash, environment)
  const entries = artifactEntries(artifact)
  for (const [index, entry] of entries.entries()) {
    await ledger.append(stream, index === 0 ? 'no-stream' : index - 1, [entry])
  }
  return hash
}

/** Reads an artifact back and checks its hash; throws `ledger-corrupt` where it is not what its name says, `stream-not-found` where it is missing. */
export async function loadArtifact(ledger: Ledger, hash: string, environment = ''): Promise<Artifact> {
  const stream = artifactStream(hash, environment)
  const parts: Uint8Array[] = []
  let mediaType = ''
  let chunks = 0
  for await (const entry of ledger.readStream(stream, { from: 'start', direction: 'forwards', maxCount: MAX_CHUNKS })) {
    const part = readChunk(stream, entry)
    parts.push(part.bytes)
    mediaType = part.mediaType
    chunks = part.chunks
  }
  const bytes = Buffer.concat(parts)
  if (parts.length !== chunks || artifactHash(bytes) !== hash) {
    throw new RiskError(
      'ledger-corrupt',
      `${stream}: its ${parts.length} of ${chunks} chunks do not have the hash that it is named after. Restore it from a backup, then run verify again.`,
      {
        retriable: false,
        context: { stream },
      },
    )
  }
  return { bytes, mediaType }
}

function readChunk(
  stream: string,
  entry: RecordedEntry,
): { readonly chunks: number; readonly mediaType: string; readonly bytes: Uint8Array } {
  try {
    const reader = new AvroReader(entry.data)
    const chunk = reader.long()
    const chunks = reader.long()
    const mediaType = reader.string()
    const bytes = Buffer.from(reader.bytes())
    if (chunk !== entry.revision || !reader.atEnd) throw new MalformedBytesError(`chunk ${chunk} stands at revision ${entry.revision}`)
    return { chunks, mediaType, bytes }
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error
    throw new RiskError(
      'ledger-corrupt',
      `${stream}@${entry.revision}: ${error.message}. Restore it from a backup, then run verify again.`,
      {
        retriable: false,
        cause: error,
        context: { stream, revision: entry.revision },
      },
    )
  }
}
