import type { OpenedEntry } from '@riskledger/journal'

/** Plain bytes after which a pack is full: some thousand inputs. */
const PACK_BYTES = 256 * 1024

/** Entries on their way from one thread to another: the data of all of them in one piece that is moved, not copied. */
export interface EntryPack {
  readonly bytes: ArrayBuffer
  readonly entries: readonly PackedEntry[]
}

/** An entry whose data is `[at, end)` of its pack. */
interface PackedEntry extends Omit<OpenedEntry, 'data' | 'head'> {
  readonly at: number
  readonly end: number
}

/** Gathers entries for a pack. */
export class EntryPacker {
  private entries: OpenedEntry[] = []
  private length = 0

  add(entry: OpenedEntry): void {
    this.entries.push(entry)
    this.length += entry.data.length
  }

  get empty(): boolean {
    return this.entries.length === 0
  }

  get full(): boolean {
    return this.length >= PACK_BYTES
  }

  /** What was added since the last pack. */
  take(): EntryPack {
    const bytes = new ArrayBuffer(this.length)
    const target = new Uint8Array(bytes)
    let at = 0
    const entries = this.entries.map(({ stream, revision, id, type, data, metadata, storedBytes }) => {
      target.set(data, at)
      at += data.length
      return { stream, revision, id, type, metadata, storedBytes, at: at - data.length, end: at }
    })
    this.entries = []
    this.length = 0
    return { bytes, entries }
  }
}

/** The entries of a pack again; their data are views into it. */
export function* unpackEntries({ bytes, entries }: EntryPack): Generator<OpenedEntry, void, undefined> {
  for (const { stream, revision, id, type, metadata, storedBytes, at, end } of entries) {
    const head = { stream, revision, entryHash: metadata.entryHash }
    yield { stream, revision, id, type, data: new Uint8Array(bytes, at, end - at), metadata, head, storedBytes }
  }
}
