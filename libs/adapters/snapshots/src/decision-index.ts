import { open } from 'lmdb'
import { RiskError } from '@riskledger/contracts'
import { discardDamaged } from './discard-damaged'
import { ROW_WORDS, writeRow } from './index-rows'
import { RowRuns } from './row-runs'

type Database = import('lmdb').RootDatabase<Uint8Array, Uint8Array>

/** Where in the journal an event or a decision stands. */
export interface JournalPosition {
  readonly stream: string
  readonly revision: number
  /** Which input (for an event id) or decision (for a decision id) of the entry. */
  readonly index: number
}

/** Up to where a journal is indexed; the hash of that entry tells whether it is still the same journal. */
interface IndexedHead {
  readonly stream: string
  readonly revision: number
  /** 64 hexadecimal digits. */
  readonly entryHash: string
}

/** An id of 16 bytes (an event id's UUID bytes or digest, or a decision id's bytes) and its position. */
export interface IndexedKey {
  readonly key: Uint8Array
  readonly position: JournalPosition
}

/**
 * A rebuildable look-up from ids to journal positions. A cache: it is not flushed when `put` resolves, and after a power failure it may be
 * older than it was; `head` says up to where each stream is indexed, and is never newer than the keys.
 */
export interface DecisionIndex {
  /** Adds the keys; where one is known, the later put wins. Keys and head go into one transaction, so a head given here never runs ahead. */
  put(batch: readonly IndexedKey[], head?: IndexedHead): Promise<void>
  /** The position of an id, or undefined where it is not indexed. */
  get(key: Uint8Array): JournalPosition | undefined
  /** Last entry of the stream that is indexed, or undefined where none is. */
  head(stream: string): IndexedHead | undefined
  close(): Promise<void>
}

const ID_BYTES = 16
/** Stream names are long and few: rows carry a number for them instead. */
const MAX_STREAMS = 65_536
/** Keys: 4 stream(2), head and name of a stream; 1 and 3 belong to the rows. 2 had heads without hashes. */
const STREAMS = 4
const HASH_BYTES = 32
const NAME_AT = 8 + HASH_BYTES

/**
 * Opens the index in its own LMDB environment, created where it is missing. One process writes; threads and processes read.
 * Ids are random, so that a plain map would rewrite a page for each of them: 35 s for a million. Instead each put becomes a run of rows, and
 * runs are merged as they grow in number (after O'Neil et al., The Log-Structured Merge-Tree, 1996); a look-up asks every run, newest first.
 * 28 bytes an id. Errors: `snapshot-unusable` where the folder cannot be opened
 * (delete it: it is rebuilt), `limit-reached` for more than 65,536 streams.
 */
export function openDecisionIndex(options: {
  readonly folder: string
  readonly readOnly?: boolean
  readonly mapSizeBytes?: number
  /** Hears of an index that was damaged as a whole, and was thrown away. */
  readonly onDiscarded?: (message: string) => void
}): DecisionIndex {
  const { folder, readOnly = false, mapSizeBytes = 16 * 2 ** 30, onDiscarded } = options
  try {
    const discarded = discardDamaged(folder)
    if (discarded !== null) onDiscarded?.(discarded)
    return new LmdbDecisionIndex(
      open<Uint8Array, Uint8Array>({
        path: folder,
        noSubdir: false,
        readOnly,
        mapSize: mapSizeBytes,
        noMemInit: true,
        // Otherwise a failed commit also rejects a promise that nobody can catch.
        eventTurnBatching: false,
        encoding: 'binary',
        keyEncoding: 'binary',
      }),
    )
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `The look-up index in ${folder} cannot be opened: ${reason}. It is a cache: with everything stopped it may be deleted, and is built again.`
    throw new RiskError('snapshot-unusable', message, { retriable: false, cause, context: { folder } })
  }
}

class LmdbDecisionIndex implements DecisionIndex {
  private readonly numbers = new Map<string, number>()
  private readonly names: string[] = []
  /** Streams that have a number here and none in the environment yet. */
  private readonly unwritten = new Set<number>()

  private readonly rows: RowRuns

  constructor(private readonly database: Database) {
    this.rows = new RowRuns(database)
    this.readStreams()
  }

  async put(batch: readonly IndexedKey[], head?: IndexedHead): Promise<void> {
    const rows = new Uint32Array(batch.length * ROW_WORDS)
    for (let i = 0; i < batch.length; i++) {
      const { key, position } = batch[i]
      assertId(key)
      writeRow(rows, i, { id: key, stream: this.numberOf(position.stream), revision: position.revision, index: position.index })
    }
    const number = head === undefined ? 0 : this.numberOf(head.stream)
    await this.database.childTransaction(() => {
      this.writeStreams()
      if (rows.length > 0) this.rows.add(rows)
      if (head !== undefined) void this.database.put(streamKey(number), encodeHead(head))
    })
  }

  get(key: Uint8Array): JournalPosition | undefined {
    assertId(key)
    this.database.resetReadTxn()
    const found = this.rows.find(key)
    if (found === undefined) return undefined
    if (this.names[found.stream] === undefined) this.readStreams()
    return { stream: this.names[found.stream], revision: found.revision, index: found.index }
  }

  head(stream: string): IndexedHead | undefined {
    this.database.resetReadTxn()
    let number = this.numbers.get(stream)
    if (number === undefined) {
      this.readStreams()
      number = this.numbers.get(stream)
    }
    const bytes = number === undefined ? undefined : this.database.getBinary(streamKey(number))
    if (bytes === undefined) return undefined
    const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const revision = stored.readDoubleBE(0)
    return revision < 0 ? undefined : { stream, revision, entryHash: stored.toString('hex', 8, NAME_AT) }
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  /** A stream's number; a new one is written, with no head yet, in the transaction of the first row that refers to it. */
  private numberOf(stream: string): number {
    const known = this.numbers.get(stream)
    if (known !== undefined) return known
    const number = this.names.length
    if (number >= MAX_STREAMS)
      throw new RiskError('limit-reached', `The look-up index takes at most ${MAX_STREAMS} streams.`, { retriable: false })
    this.names.push(stream)
    this.numbers.set(stream, number)
    this.unwritten.add(number)
    return number
  }

  private writeStreams(): void {
    for (const number of this.unwritten) {
      if (this.database.getBinary(streamKey(number)) !== undefined) this.unwritten.delete(number)
      else void this.database.put(streamKey(number), encodeHead({ stream: this.names[number], revision: -1, entryHash: '' }))
    }
  }

  private readStreams(): void {
    for (const { key, value } of this.database.getRange({ start: streamKey(0), end: Uint8Array.of(STREAMS + 1) })) {
      const number = (key[1] << 8) | key[2]
      const stream = Buffer.from(value).toString('utf8', NAME_AT)
      this.names[number] = stream
      this.numbers.set(stream, number)
    }
  }
}

function assertId(id: Uint8Array): void {
  if (id.length !== ID_BYTES) throw new TypeError(`an id has ${ID_BYTES} bytes, not ${id.length}`)
}

function streamKey(number: number): Uint8Array {
  return Uint8Array.of(STREAMS, number >>> 8, number & 0xff)
}

function encodeHead({ stream, revision, entryHash }: IndexedHead): Uint8Array {
  const bytes = Buffer.alloc(NAME_AT + Buffer.byteLength(stream))
  bytes.writeDoubleBE(revision, 0)
  bytes.write(entryHash, 8, 'hex')
  bytes.write(stream, NAME_AT)
  return bytes
}
