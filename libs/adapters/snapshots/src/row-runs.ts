import { concatenateRows, findRow, idWord, pagesOf, ROW_WORDS } from './index-rows'
import type { RowFields } from './index-rows'

type Database = import('lmdb').RootDatabase<Uint8Array, Uint8Array>

/** Keys: 1 run(4) prefix(4), a page of rows; 3 run(4), how many rows the run has. */
const PAGES = 1
const RUNS = 3
/** So many runs of a size or smaller at the end become one. Runs of a quarter of a million rows are left alone, so that no merge takes long. */
const MERGED_RUNS = 16
const RUN_SIZES: readonly number[] = [2 ** 10, 2 ** 14, 2 ** 18]

interface Run {
  readonly run: number
  readonly rows: number
}

/** Rows in runs, merged as they grow in number; see `openDecisionIndex` for why. */
export class RowRuns {
  constructor(private readonly database: Database) {}

  /** Writes the rows as the newest run, together with the runs at the end that are due to be merged; call it inside a transaction. */
  add(rows: Uint32Array): void {
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

  /** The row put last with this id, or undefined. Reads the current snapshot. */
  find(id: Uint8Array): Omit<RowFields, 'id'> | undefined {
    for (const { run } of this.runs().reverse()) {
      for (const pageKey of this.database.getKeys({ start: pageKeyOf(run, idWord(id, 0)), reverse: true, limit: 1 })) {
        const page = isPageOf(pageKey, run) ? this.database.getBinary(pageKey) : undefined
        const found = page === undefined ? undefined : findRow(wordsOf(page), id)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
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
