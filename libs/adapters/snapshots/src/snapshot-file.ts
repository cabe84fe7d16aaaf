import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MOST_STATE_BYTES, type Snapshot, type SnapshotPlace } from '@riskledger/contracts'
import { packChunk, packedRoom, unpackChunk } from './packed-chunk'

const CHUNK_WORDS = 2 ** 18
const WORD_BYTES = 4
const CHUNK_BYTES = CHUNK_WORDS * WORD_BYTES
/** Flushed at once: all at the end holds up whoever else waits for the disk, for half a second where there are hundreds of MiB. */
const CHUNKS_A_FLUSH = 8
const FORM_VERSION = 4
const SHA256_BYTES = 32
/** Behind the head: SHA-256 of chunks and head, and the head's length. */
const TAIL_BYTES = SHA256_BYTES + WORD_BYTES
/** A head names every chunk, of which a state has 2,048 at most. */
const MOST_HEAD_BYTES = 2 ** 16

/** What stands behind the chunks, as JSON. */
interface Head extends SnapshotPlace {
  readonly version: number
  readonly stateBytes: number
  /** Words that each packed chunk takes. */
  readonly chunkWords: readonly number[]
}

/**
 * Writes a snapshot into an empty file, and flushes it: the state in chunks of 1 MiB without their zeros, the head, the SHA-256 of both, and in four bytes,
 * little-endian, the head's length. Each chunk is awaited, and `pause` between two; hashing a state with its zeros would take several times as long.
 */
export async function writeSnapshotFile(
  file: FileHandle,
  { state, ...place }: Snapshot,
  { pause }: { readonly pause: () => Promise<void> },
): Promise<void> {
  const hash = createHash('sha256')
  // Reused from chunk to chunk, which therefore are written one after the other.
  const words = new Uint32Array(CHUNK_WORDS)
  const packed = new Uint32Array(packedRoom(CHUNK_WORDS))
  const chunkWords: number[] = []
  for (let at = 0; at < state.length; at += CHUNK_BYTES) {
    if (at > 0) await pause()
    const chunk = words.subarray(0, wordsFor(Math.min(CHUNK_BYTES, state.length - at)))
    // A copy: the state may be any thread's and end anywhere.
    chunk[chunk.length - 1] = 0
    bytesOf(chunk).set(state.subarray(at, at + CHUNK_BYTES))
    const length = packChunk(chunk, packed)
    const bytes = bytesOf(packed.subarray(0, length))
    hash.update(bytes)
    await writeAll(file, bytes)
    chunkWords.push(length)
    if (chunkWords.length % CHUNKS_A_FLUSH === 0) await file.datasync()
  }
  const head: Head = { version: FORM_VERSION, ...place, stateBytes: state.length, chunkWords }
  const json = Buffer.from(JSON.stringify(head))
  const headBytes = Buffer.alloc(WORD_BYTES)
  headBytes.writeUInt32LE(json.length)
  await writeAll(file, Buffer.concat([json, hash.update(json).digest(), headBytes]))
  await file.sync()
}

/** Reads what `writeSnapshotFile` wrote. Throws an error that says what is wrong where the bytes are not those that were written. */
export async function readSnapshotFile(file: FileHandle): Promise<Snapshot> {
  const { json, head, sha256 } = await readHead(file)
  const { version, stateBytes, chunkWords, ...place } = head
  if (version !== FORM_VERSION) throw new Error(`form ${version} instead of ${FORM_VERSION}`)
  if (!(stateBytes >= 0 && stateBytes <= MOST_STATE_BYTES)) throw new Error(`a state of ${stateBytes} bytes`)
  if (chunkWords.length !== Math.ceil(stateBytes / CHUNK_BYTES)) throw new Error(`${chunkWords.length} chunks for ${stateBytes} bytes`)
  const hash = createHash('sha256')
  const words = new Uint32Array(wordsFor(stateBytes))
  const packed = new Uint32Array(packedRoom(CHUNK_WORDS))
  let from = 0
  for (const [chunk, length] of chunkWords.entries()) {
    if (!(length <= packed.length)) throw new Error(`a chunk of ${length} words`)
    const stored = packed.subarray(0, length)
    const bytes = bytesOf(stored)
    await readAll(file, bytes, from)
    from += bytes.length
    hash.update(bytes)
    const into = words.subarray(chunk * CHUNK_WORDS, (chunk + 1) * CHUNK_WORDS)
    if (!unpackChunk(stored, into)) throw new Error(`chunk ${chunk + 1} is damaged`)
  }
  if (!hash.update(json).digest().equals(sha256)) throw new Error('the checksum differs')
  return { ...place, state: new Uint8Array(words.buffer, 0, stateBytes) }
}

/** Reads where a snapshot stands, which no checksum covers before the state is read. Throws as `readSnapshotFile`. */
export async function readSnapshotPlace(file: FileHandle): Promise<SnapshotPlace> {
  const { version, stream, revision, entryHash, formatHash } = (await readHead(file)).head
  if (version !== FORM_VERSION) throw new Error(`form ${version} instead of ${FORM_VERSION}`)
  return { stream, revision, entryHash, formatHash }
}

async function readHead(file: FileHandle): Promise<{ readonly json: Buffer; readonly head: Head; readonly sha256: Buffer }> {
  const { size } = await file.stat()
  const tail = Buffer.alloc(TAIL_BYTES)
  if (size < TAIL_BYTES) throw new Error(`${size} bytes`)
  await readAll(file, tail, size - TAIL_BYTES)
  const headBytes = tail.readUInt32LE(SHA256_BYTES)
  if (headBytes > Math.min(MOST_HEAD_BYTES, size - TAIL_BYTES)) throw new Error(`a head of ${headBytes} bytes`)
  const json = Buffer.alloc(headBytes)
  await readAll(file, json, size - TAIL_BYTES - headBytes)
  return { json, head: JSON.parse(json.toString('utf8')) as Head, sha256: tail.subarray(0, SHA256_BYTES) }
}

function wordsFor(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES)
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}

async function readAll(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at)
    if (bytesRead === 0) throw new Error(`it ends at byte ${position + at}`)
    at += bytesRead
  }
}
