import { open } from 'lmdb'
import { RiskError } from '@riskledger/contracts'
import { concatenateRows, findRow, idWord, pagesOf, ROW_WORDS, writeRow } from './index-rows'

type Database = import('lmdb').RootDatabase<Uint8Array, Uint8Array>

/** Where in the journal an event or a decision stands. */
export interface JournalPosition {
  readonly stream: string
  readonly revision: number
  /** Which input (for an event id) or decision (for a decision id) of the entry. */
  readonly index: number
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
  put(batch: readonly IndexedKey[], head?: { readonly stream: string; readonly revision: number }): Promise<void>
  /** The position of an id, or undefined where it is not indexed. */
  get(key: Uint8Array): JournalPosition | undefined
  /** Last revision of the stream that is indexed, or undefined where none is. */
  head(stream: string): number | undefined
  setHead(stream: string, revision: number): Promise<void>
  close(): Promise<void>
}

const ID_BYTES = 16
/** Stream names are long and few: rows carry a number for them instead. */
const MAX_STREAMS = 65_536
/** Keys: 1 run(4) prefix(4), a page of rows; 2 stream(2), head and name of a stream; 3 run(4), how many rows the run has. */
const PAGES = 1
const STREAMS = 2
const RUNS = 3
/** So many runs of a size or smaller at the end become one. Runs of a million rows are left alone, so that no merge takes long. */
const MERGED_RUNS = 16
const RUN_SIZES: readonly number[] = [2 ** 10, 2 ** 14, 2 ** 18]

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
}): DecisionIndex {
  const { folder, readOnly = false, mapSizeBytes = 16 * 2 ** 30 } = options
  try {
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

  constructor(private readonly database: Database) {
    this.readStreams()
  }

  async put(batch: readonly IndexedKey[], head?: { readonly stream: string; readonly revision: number }): Promise<void> {
    const rows = new Uint32Array(batch.length * ROW_WORDS)
    for (let i = 0; i < batch.length; i++) {
      const { key, position } = batch[i]
      assertId(key)
      writeRow(rows, i, { id: key, stream: this.numberOf(position.stream), revision: position.revision, index: position.index })
    }
    const number = head === undefined ? 0 : this.numberOf(head.stream)
    await this.database.childTransaction(() => {
      this.writeStreams()
      if (rows.length > 0) this.addRun(rows)
      if (head !== undefined) void this.database.put(streamKey(number), encodeHead(head.stream, head.revision))
    })
  }

  get(key: Uint8Array): JournalPosition | undefined {
    assertId(key)
    this.database.resetReadTxn()
    for (const { run } of this.runs().reverse()) {
      for (const pageKey of this.database.getKeys({ start: pageKeyOf(run, idWord(key, 0)), reverse: true, limit: 1 })) {
        const page = isPageOf(pageKey, run) ? this.database.getBinary(pageKey) : undefined
        const found = page === undefined ? undefined : findRow(wordsOf(page), key)
        if (found === undefined) continue
        if (this.names[found.stream] === undefined) this.readStreams()
        return { stream: this.names[found.stream], revision: found.revision, index: found.index }
      }
    }
    return undefined
  }

  head(stream: string): number | undefined {
    this.database.resetReadTxn()
    let number = this.numbers.get(stream)
    if (number === undefined) {
      this.readStreams()
      number = this.numbers.get(stream)
    }
    const bytes = number === undefined ? undefined : this.database.getBinary(streamKey(number))
    const revision = bytes === undefined ? -1 : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readDoubleBE(0)
    return revision < 0 ? undefined : revision
  }

  async setHead(stream: string, revision: number): Promise<void> {
    await this.put([], { stream, revision })
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  /** Inside a transaction: writes the rows as the newest run, together with the runs at the end that are due to be merged. */
  private addRun(rows: Uint32Array): void {
    const runs = this.runs()
    const merged = runsToMerge(runs, rows.length / ROW_WORDS)
    const parts: Uint32Array[] = []
    for (const { run } of merged) {
      for (const key of [...this.database.getKeys({ start: pageKeyOf(run, 0), end: pageKeyOf(run + 1, 0) })]) {
        const page = this.database.getBinary(key)
        if (page !== undefined) parts.push(wordsOf(page))
        void this.database.remove(key)
      }
      void this.database.remove(runKey(run))
    }
    parts.push(rows)
    const all = concatenateRows(parts)
    const run = (runs.at(-1)?.run ?? 0) + 1
    for (const page of pagesOf(all)) {
      void this.database.put(pageKeyOf(run, page.prefix), new Uint8Array(page.rows.buffer, page.rows.byteOffset, page.rows.byteLength))
    }
    void this.database.put(runKey(run), Buffer.from(String(all.length / ROW_WORDS)))
  }

  /** Oldest first. */
  private runs(): Run[] {
    const runs: Run[] = []
    for (const { key, value } of this.database.getRange({ start: runKey(0), end: Uint8Array.of(RUNS + 1) }))
      runs.push({ run: Buffer.from(key).readUInt32BE(1), rows: Number(Buffer.from(value).toString()) })
    return runs
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
      else void this.database.put(streamKey(number), encodeHead(this.names[number], -1))
    }
  }

  private readStreams(): void {
    for (const { key, value } of this.database.getRange({ start: streamKey(0), end: Uint8Array.of(STREAMS + 1) })) {
      const number = (key[1] << 8) | key[2]
      const stream = Buffer.from(value).toString('utf8', 8)
      this.names[number] = stream
      this.numbers.set(stream, number)
    }
  }
}

interface Run {
  readonly run: number
  readonly rows: number
}

/** The runs at the end that go into one with a new run of `rows`: those of the smallest size of which there are enough, or none. */
function runsToMerge(runs: readonly Run[], rows: number): readonly Run[] {
  for (const size of RUN_SIZES) {
    if (rows >= size) continue
    let first = runs.length
    while (first > 0 && runs[first - 1].rows < size) first--
    if (runs.length - first + 1 >= MERGED_RUNS) return runs.slice(first)
  }
  return []
}

function assertId(id: Uint8Array): void {
  if (id.length !== ID_BYTES) throw new TypeError(`an id has ${ID_BYTES} bytes, not ${id.length}`)
}

function wordsOf(page: Uint8Array): Uint32Array {
  const own = page.byteOffset % 4 === 0 ? page : Uint8Array.from(page)
  return new Uint32Array(own.buffer, own.byteOffset, own.byteLength >>> 2)
}

function pageKeyOf(run: number, prefix: number): Uint8Array {
  const key = Buffer.allocUnsafe(9)
  key[0] = PAGES
  key.writeUInt32BE(run, 1)
  key.writeUInt32BE(prefix, 5)
  return key
}

function isPageOf(key: Uint8Array, run: number): boolean {
  return key.length === 9 && key[0] === PAGES && Buffer.from(key).readUInt32BE(1) === run
}

function runKey(run: number): Uint8Array {
  const key = Buffer.allocUnsafe(5)
  key[0] = RUNS
  key.writeUInt32BE(run, 1)
  return key
}

function streamKey(number: number): Uint8Array {
  return Uint8Array.of(STREAMS, number >>> 8, number & 0xff)
}

function encodeHead(stream: string, revision: number): Uint8Array {
  const name = Buffer.from(stream)
  const bytes = Buffer.allocUnsafe(8 + name.length)
  bytes.writeDoubleBE(revision, 0)
  name.copy(bytes, 8)
  return bytes
}
