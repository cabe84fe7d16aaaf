import { open, type Database } from 'lmdb'

/** One append of a stream: the revision that it begins with, and its position in `$all`. */
export type Row = readonly [firstRevision: number, position: number]

/** The rows of one stream in a ledger's folder that nobody serves, for tests that alter them behind its back. */
export class LedgerRows {
  readonly rows: readonly Row[]
  private readonly root
  private readonly records: Database<Buffer, number>
  private readonly index: Database<number, [number, number]>
  private readonly streamNumber: number

  /** Throws where the folder has no such stream. */
  constructor(folder: string, stream: string) {
    this.root = open({ path: folder, noSubdir: false, maxDbs: 8 })
    this.records = this.root.openDB<Buffer, number>({ name: 'records', encoding: 'binary' })
    this.index = this.root.openDB<number, [number, number]>({ name: 'index', encoding: 'ordered-binary' })
    const streamNumber = this.root.openDB<number, string>({ name: 'numbers', encoding: 'ordered-binary' }).get(stream)
    if (streamNumber === undefined) throw new Error(`${folder} has no stream ${stream}`)
    this.streamNumber = streamNumber
    const range = this.index.getRange({ start: [streamNumber, 0], end: [streamNumber + 1, 0] })
    this.rows = [...range].map(({ key, value }): Row => [key[1], value])
  }

  /** Removes appends as if they had never been. */
  remove(rows: readonly Row[]): void {
    for (const [firstRevision, position] of rows) {
      this.records.removeSync(position)
      this.loseFromIndex(firstRevision)
    }
  }

  /** Removes an append from the stream's index alone. */
  loseFromIndex(firstRevision: number): void {
    this.index.removeSync([this.streamNumber, firstRevision])
  }

  close(): Promise<void> {
    return this.root.close()
  }
}
