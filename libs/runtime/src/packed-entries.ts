/** Plain bytes after which a pack is full: some thousand inputs. */
const PACK_BYTES = 256 * 1024

/** An entry of any kind whose content is `data`; whatever else it holds can be cloned from thread to thread, and is small. */
export interface WithData {
  readonly data: Uint8Array
}

/** Entries on their way from one thread to another: the data of all of them in one piece that is moved, not copied. */
export interface EntryPack<T extends WithData> {
  readonly bytes: ArrayBuffer
  /** The data of each is `[at, end)` of `bytes`. */
  readonly entries: readonly { readonly rest: Omit<T, 'data'>; readonly at: number; readonly end: number }[]
}

/** Gathers entries for a pack. */
export class EntryPacker<T extends WithData> {
  private entries: T[] = []
  private length = 0

  add(entry: T): void {
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
  take(): EntryPack<T> {
    const bytes = new ArrayBuffer(this.length)
    const target = new Uint8Array(bytes)
    let at = 0
    const entries = this.entries.map(({ data, ...rest }) => {
      target.set(data, at)
      at += data.length
      return { rest, at: at - data.length, end: at }
    })
    this.entries = []
    this.length = 0
    return { bytes, entries }
  }
}

/** The entries of a pack again; their data are views into it. */
export function* unpackEntries<T extends WithData>({ bytes, entries }: EntryPack<T>): Generator<T, void, undefined> {
  for (const { rest, at, end } of entries) yield { ...rest, data: new Uint8Array(bytes, at, end - at) } as T
}
