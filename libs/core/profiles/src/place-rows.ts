import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { INTEGERS, PAGE, PLACE_ROW, RowPages } from './account-rows'

/** Values remembered of a feature, and sessions, at most. */
export const PLACE_MEMORY = 8

// A row begins with the sessions, hash and device of each, and what the last login was like:
export const SESSIONS_SEEN = 0
export const SESSIONS = 1
const LAST = SESSIONS + 2 * PLACE_MEMORY
export const LAST_SECONDS = LAST
export const LAST_MILLIS = LAST + 1
export const LAST_LATITUDE = LAST + 2
export const LAST_LONGITUDE = LAST + 3
export const LAST_COUNTRY = LAST + 4
export const LAST_PREFIX = LAST + 5
export const LAST_CLASS = LAST + 6
export const LAST_SHOWN = LAST + 7
export const KEPT_LARGEST = LAST + 8
export const KEPT_NEWER = LAST + 9
export const LOGINS = LAST + 10
export const LISTS = LAST + 11
// then follows a list for each feature: uses, how often a value was new, and the last values (hash, first and last use in s, uses).
export const FIELDS = 4
const LIST_HEAD = 2

/** Rows with lists of 1, 2, 4 and 8 values. */
const SIZES_LOG2 = 2
const SIZES = 4

/**
 * The accounts' rows of places, each as wide as the longest of its lists needs: most accounts have one device and one network, and rows with room for eight of
 * each would be nine tenths zeros, which are copied, hashed and loaded as anything else. A row moves as it grows.
 */
export class PlaceRows {
  private readonly sizes: RowPages<Uint32Array>[]
  private readonly free: number[][] = Array.from({ length: SIZES }, () => [])
  /** By size: where the parts of its rows stand in their content. */
  private readonly runs: readonly { readonly from: number; readonly to: number; readonly place: number }[][]

  constructor(
    private readonly features: number,
    private readonly integers: RowPages<Uint32Array>,
  ) {
    this.sizes = Array.from(
      { length: SIZES },
      (_, size) => new RowPages(LISTS + features * listWords(size), (length) => new Uint32Array(length)),
    )
    this.runs = this.sizes.map((_, size) => [
      ...Array.from({ length: features }, (__, feature) => {
        const from = LISTS + feature * listWords(size)
        return { from, to: from + listWords(size), place: feature * listWords(SIZES - 1) }
      }),
      { from: 0, to: LISTS, place: features * listWords(SIZES - 1) },
    ])
  }

  /** The account's row; null where it has none. Good until the next row is made. */
  of(slot: number): Uint32Array | null {
    const reference = this.reference(slot)
    return reference < 0 ? null : this.sizes[reference & (SIZES - 1)].row(reference >>> SIZES_LOG2)
  }

  /** The account's row, made where it has none. */
  made(slot: number): Uint32Array {
    return this.of(slot) ?? this.make(slot, 0)
  }

  /** Where the feature's list begins in a row. */
  listAt(row: Uint32Array, feature: number): number {
    return LISTS + feature * ((row.length - LISTS) / this.features)
  }

  /** Where the feature's values begin in a row. */
  valuesAt(row: Uint32Array, feature: number): number {
    return this.listAt(row, feature) + LIST_HEAD
  }

  /** Words that a feature's values take in a row, used or not. */
  valueWords(row: Uint32Array): number {
    return (row.length - LISTS) / this.features - LIST_HEAD
  }

  /** The account's row with room for twice as many values; null where it has room for the most. */
  grown(slot: number): Uint32Array | null {
    const reference = this.reference(slot)
    const size = reference & (SIZES - 1)
    if (size === SIZES - 1) return null
    const before = this.of(slot)!
    const row = this.make(slot, size + 1)
    row.set(before.subarray(0, LISTS))
    const words = LIST_HEAD + this.valueWords(before)
    for (let feature = 0; feature < this.features; feature++) {
      const from = this.listAt(before, feature)
      row.set(before.subarray(from, from + words), this.listAt(row, feature))
    }
    before.fill(0)
    this.free[size].push(reference >>> SIZES_LOG2)
    return row
  }

  private make(slot: number, size: number): Uint32Array {
    const number = this.free[size].pop() ?? this.sizes[size].addRow()
    this.integers.row(slot)[PLACE_ROW] = ((number << SIZES_LOG2) | size) + 1
    return this.sizes[size].row(number)
  }

  private reference(slot: number): number {
    return this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + PLACE_ROW] - 1
  }

  /** Writes the content of an account's row whatever its width: 0 where it has none, else 1 and it as one with room for eight values in each list, lists first. */
  writeContent(slot: number, writer: ByteWriter): void {
    const reference = this.reference(slot)
    writer.u8(reference < 0 ? 0 : 1)
    if (reference < 0) return
    const size = reference & (SIZES - 1)
    writer.sparseRuns(this.sizes[size].row(reference >>> SIZES_LOG2), this.runs[size])
  }

  /** Writes all rows as they lie. */
  write(writer: ByteWriter): void {
    for (const [size, rows] of this.sizes.entries()) {
      rows.write(writer)
      writer.words(Uint32Array.from(this.free[size]))
    }
  }

  /** Fills fresh rows from what `write` wrote. */
  read(reader: ByteReader): void {
    for (const [size, rows] of this.sizes.entries()) {
      rows.read(reader)
      this.free[size] = [...reader.wordsInPlace()]
    }
  }
}

function listWords(size: number): number {
  return LIST_HEAD + (FIELDS << size)
}
