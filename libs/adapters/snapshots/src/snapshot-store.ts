import { createHash, type Hash } from 'node:crypto'
import { open } from 'lmdb'
import { RiskError } from '@riskledger/contracts'
import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { discardDamaged } from './discard-damaged'
import { packChunk, unpackChunk } from './packed-chunk'

type Database = import('lmdb').RootDatabase<Uint8Array, Uint8Array>

/** Where snapshots lie and who hears of the damaged ones. */
export interface SnapshotStoreOptions {
  /** Folder of the LMDB environment; created where it is missing. */
  readonly folder: string
  /** Address space to begin with; LMDB takes more when it needs it. Default 16 GiB, none of it on disk before it is used. */
  readonly mapSizeBytes?: number
  /** Largest state; more is refused with `limit-reached`. Default and most just below 2 GiB. */
  readonly maxStateBytes?: number
  /**
   * Hears of every snapshot that `load` leaves out because its bytes are not those that were saved; and, with the name `*` and sequence 0, of a store
   * that was damaged as a whole when it was opened, and was thrown away.
   */
  readonly onDamaged?: (damage: { readonly name: string; readonly sequence: number; readonly reason: string }) => void
  /** Called as 'snapshot-written' once a snapshot is durable, before older ones go; tests end the process there. */
  readonly crashPoint?: (name: 'snapshot-written') => void
}

/** How many snapshots of a name are kept. */
const KEPT = 2
const CHUNK_BYTES = 2 ** 20
const WORD_BYTES = 4
/** No larger state is written or read: its length is kept in 31 bits. */
const MOST_STATE_BYTES = 2 ** 31 - 1
const FORM_VERSION = 3

interface StoredHead {
  readonly version: number
  readonly stream: string
  readonly revision: number
  readonly entryHash: string
  readonly formatHash: string
  readonly stateBytes: number
  readonly sha256: string
}

/**
 * Opens the store of state snapshots. A state is written in chunks of 1 MiB without their zeros, a transaction each, so that readers and the event loop go on
 * meanwhile; its head, which makes it exist, comes last and with a SHA-256 over head and chunks. A crash half-way leaves chunks without a
 * head, which the next `save` of that name removes. One process writes; saves are made one after another.
 * Errors: `limit-reached`, `snapshot-unusable` (also for a full disk); none is retriable. A snapshot is a cache: the caller can go on without it.
 */
export function openSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  const { folder, mapSizeBytes = 16 * 2 ** 30 } = options
  try {
    const discarded = discardDamaged(folder)
    if (discarded !== null) options.onDamaged?.({ name: '*', sequence: 0, reason: discarded })
    const database = open<Uint8Array, Uint8Array>({
      path: folder,
      noSubdir: false,
      mapSize: mapSizeBytes,
      overlappingSync: false,
      noMemInit: true,
      // Otherwise a failed commit also rejects a promise that nobody can catch.
      eventTurnBatching: false,
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    return new LmdbSnapshotStore(database, options)
  } catch (cause) {
    throw failure(folder, cause, 'cannot be opened')
  }
}

class LmdbSnapshotStore implements SnapshotStore {
  private last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly database: Database,
    private readonly options: SnapshotStoreOptions,
  ) {}

  save(name: string, snapshot: Snapshot): Promise<void> {
    const saved = this.last.then(() => this.saveNow(name, snapshot))
    // The queue goes on after a failure; the caller of the failed save hears of it.
    this.last = saved.then(
      () => undefined,
      () => undefined,
    )
    return saved
  }

  async *load(name: string): AsyncGenerator<Snapshot, void, undefined> {
    this.database.resetReadTxn()
    for (const sequence of this.sequences(name).reverse()) {
      let snapshot: Snapshot
      try {
        snapshot = this.loadOne(name, sequence)
      } catch (error) {
        this.options.onDamaged?.({ name, sequence, reason: error instanceof Error ? error.message : String(error) })
        continue
      }
      yield snapshot
    }
  }

  async close(): Promise<void> {
    await this.last
    await this.database.close()
  }

  private async saveNow(name: string, snapshot: Snapshot): Promise<void> {
    const { folder, maxStateBytes = MOST_STATE_BYTES, crashPoint } = this.options
    const { stream, revision, entryHash, formatHash, state } = snapshot
    if (state.length > maxStateBytes) {
      const message = `The state of ${name} has ${state.length} bytes; a snapshot takes at most ${maxStateBytes}. None was written, and the next start folds the journal instead.`
      throw new RiskError('limit-reached', message, { retriable: false, context: { name, stateBytes: state.length, maxStateBytes } })
    }
    const known = this.sequences(name)
    const sequence = (known.at(-1) ?? 0) + 1
    try {
      await this.remove(name, sequence)
      const unsigned = { version: FORM_VERSION, stream, revision, entryHash, formatHash, stateBytes: state.length }
      const hash = beginHash(unsigned)
      for (let at = 0, chunk = 1; at < state.length; at += CHUNK_BYTES, chunk++) {
        const packed = packChunk(chunkOf(state, at))
        hash.update(packed)
        await this.database.put(keyOf(name, sequence, chunk), packed)
      }
      const head: StoredHead = { ...unsigned, sha256: hash.digest('hex') }
      await this.database.put(keyOf(name, sequence, 0), Buffer.from(JSON.stringify(head)))
      crashPoint?.('snapshot-written')
      for (const old of known.slice(0, Math.max(0, known.length + 1 - KEPT))) await this.remove(name, old)
    } catch (cause) {
      throw failure(folder, await reasonOf(cause), `could not take a snapshot of ${name}`)
    }
  }

  private loadOne(name: string, sequence: number): Snapshot {
    const headBytes = this.database.getBinary(keyOf(name, sequence, 0))
    const { sha256, ...unsigned } = JSON.parse(Buffer.from(headBytes ?? []).toString()) as StoredHead
    const { version, stream, revision, entryHash, formatHash, stateBytes } = unsigned
    if (version !== FORM_VERSION) throw new Error(`form ${version} instead of ${FORM_VERSION}`)
    if (!(stateBytes >= 0 && stateBytes <= MOST_STATE_BYTES)) throw new Error(`a state of ${stateBytes} bytes`)
    const hash = beginHash(unsigned)
    const words = new Uint32Array(wordsFor(stateBytes))
    for (let at = 0, chunk = 1; at < stateBytes; at += CHUNK_BYTES, chunk++) {
      const bytes = this.database.getBinary(keyOf(name, sequence, chunk))
      const into = words.subarray(at / WORD_BYTES, (at + CHUNK_BYTES) / WORD_BYTES)
      if (bytes === undefined || !unpackChunk(bytes, into)) throw new Error(`chunk ${chunk} is missing or damaged`)
      hash.update(bytes)
    }
    if (hash.digest('hex') !== sha256) throw new Error('the checksum differs')
    return { stream, revision, entryHash, formatHash, state: new Uint8Array(words.buffer, 0, stateBytes) }
  }

  /** Sequences that have a head, ascending. */
  private sequences(name: string): number[] {
    const found: number[] = []
    for (const key of this.database.getKeys({ start: keyOf(name, 0, 0), end: keyOf(name, 0xffffffff, 0) })) {
      const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
      if (view.readUInt32BE(view.length - 4) === 0) found.push(view.readUInt32BE(view.length - 8))
    }
    return found
  }

  private async remove(name: string, sequence: number): Promise<void> {
    const keys = [...this.database.getKeys({ start: keyOf(name, sequence, 0), end: keyOf(name, sequence + 1, 0) })]
    if (keys.length > 0) await this.database.transaction(() => keys.forEach((key) => void this.database.remove(key)))
  }
}

/** The chunk that begins at `at`, as words; the last one filled up with zeros. A copy: the state may be any thread's and begin anywhere. */
function chunkOf(state: Uint8Array, at: number): Uint32Array {
  const bytes = state.subarray(at, at + CHUNK_BYTES)
  const words = new Uint32Array(wordsFor(bytes.length))
  new Uint8Array(words.buffer).set(bytes)
  return words
}

function wordsFor(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES)
}

/** Length-prefixed name, sequence, chunk (0 is the head); big-endian, so that a name's snapshots lie together, oldest first. */
function keyOf(name: string, sequence: number, chunk: number): Uint8Array {
  const text = Buffer.from(name)
  const key = Buffer.alloc(2 + text.length + 8)
  key.writeUInt16BE(text.length, 0)
  text.copy(key, 2)
  key.writeUInt32BE(sequence, 2 + text.length)
  key.writeUInt32BE(chunk, 6 + text.length)
  return key
}

/** A hash that has taken in the head; the chunks follow, as they are stored: hashing a state with its zeros would take several times as long. */
function beginHash({ version, stream, revision, entryHash, formatHash, stateBytes }: Omit<StoredHead, 'sha256'>): Hash {
  const fields = JSON.stringify([version, stream, revision, entryHash, formatHash, stateBytes])
  return createHash('sha256').update(fields).update('\n')
}

function reasonOf(error: unknown): Promise<unknown> {
  const nested = (error as { readonly commitError?: Promise<unknown> }).commitError
  return nested === undefined
    ? Promise.resolve(error)
    : nested.then(
        () => error,
        (reason: unknown) => reason,
      )
}

function failure(folder: string, cause: unknown, what: string): RiskError {
  if (cause instanceof RiskError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `The snapshot store in ${folder} ${what}: ${reason}. Check that the disk has room and can be written; until then each start folds the journal. The folder is a cache: with everything stopped it may be deleted.`
  return new RiskError('snapshot-unusable', message, { retriable: false, cause, context: { folder } })
}
