import { AMOUNT_BINS } from './amount-bins'
import { SUMS } from './amount-sums'
import { wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

/** Accounts per page. */
export const PAGE = 256
const SHIFT = 8

// Doubles of an account's row. Weights are relative to HABIT_BASE: an event at t weighs 2^((t - base) / half-life).
export const FIRST_SEEN = 0
export const HABIT_BASE = 1
export const PAYMENT_WEIGHT = 2
export const TRADE_WEIGHT = 3
export const LOGIN_WEIGHT = 4
/** Sums over the payments known legitimate; see `amount-sums`. */
export const LEGITIMATE_SUMS = 5
export const LARGEST = LEGITIMATE_SUMS + SUMS
export const SECOND_LARGEST = LARGEST + 1
/** Largest amount ever, whatever its label: the upper end of the histogram's last bin. */
export const LARGEST_SEEN = LARGEST + 2
export const LAST_FRAUD = LARGEST + 3
export const OPENED_AT = LARGEST + 4
export const DOUBLES = LARGEST + 5

// Singles: histogram of payments' amounts, then 24 hours.
export const HOURS = AMOUNT_BINS
export const SINGLES = AMOUNT_BINS + 24

// Integers. Entries and rows are stored plus one, so that 0 is none.
export const NEWEST_ENTRY = 0
export const PENDING_LARGEST = 1
export const PLACE_ROW = 2
export const TRADE_ROW = 3
export const SMALL_RING = 4
export const LOGIN_RING = 5
export const FAILED_RING = 6
export const TRADE_RING = 7
/** 1: has alerts or liveness checks. */
export const HAS_RARE = 8
export const KYC = 9
/** Minutes + 10,000; 0 unknown. */
export const UTC_OFFSET = 10
/** Number of the interned country + 1. */
export const RESIDENCE = 11
export const PAYMENT_IDS_SEEN = 12
export const COUNTERPARTIES_SEEN = 13
export const PAYMENT_IDS = 14
export const PAYMENT_ID_MEMORY = 8
export const COUNTERPARTIES = PAYMENT_IDS + PAYMENT_ID_MEMORY
export const COUNTERPARTY_MEMORY = 64
export const INTEGERS = COUNTERPARTIES + COUNTERPARTY_MEMORY

/** Rows that there is room for at first: a whole page of the widest rows is a quarter of a megabyte, and many partitions know few accounts. */
const FIRST_ROWS = 16

/**
 * Rows of fixed size in pages of 256: `pages[slot >>> 8]`, from `(slot & 255) * width` on. None moves once made, but for the first 16, which move
 * as the 17th is made: whoever holds a page or a row takes it anew after `addRow`.
 */
export class RowPages<T extends Float64Array | Float32Array | Uint32Array> {
  readonly pages: T[] = []
  private used = 0

  constructor(
    readonly width: number,
    private readonly make: (length: number) => T,
  ) {}

  /** Rows in use. */
  get count(): number {
    return this.used
  }

  /** Makes the next row, zeroed, and returns its number. */
  addRow(): number {
    const { used, pages } = this
    if (used % PAGE === 0) pages.push(this.make(roomFor(used + 1) * this.width))
    else if (used === FIRST_ROWS) {
      const first = pages[0]
      pages[0] = this.make(PAGE * this.width)
      pages[0].set(first)
    }
    return this.used++
  }

  /** A view of one row; for what is done rarely. */
  row(slot: number): T {
    const from = (slot & (PAGE - 1)) * this.width
    return this.pages[slot >>> SHIFT].subarray(from, from + this.width) as T
  }

  /** Writes one row, from its field `first` on, without its zeros. */
  writeRow(slot: number, writer: ByteWriter, first = 0): void {
    const page = this.pages[slot >>> SHIFT]
    const from = (slot & (PAGE - 1)) * this.width
    if (page instanceof Uint32Array) writer.sparseWords(page, from + first, from + this.width)
    else writer.sparseNumbers(page, from + first, from + this.width)
  }

  /** Writes all pages as they lie, the last one up to its last row in use. */
  write(writer: ByteWriter): void {
    writer.varint(this.used)
    for (let page = 0; page < this.pages.length; page++) writer.words(this.wordsInUse(page))
  }

  private wordsInUse(page: number): Uint32Array {
    const rows = Math.min(PAGE, this.used - page * PAGE)
    return wordsOf(this.pages[page].subarray(0, rows * this.width))
  }

  /** Fills fresh pages from what `write` wrote. */
  read(reader: ByteReader): void {
    this.used = reader.varint()
    for (let at = 0; at < this.used; at += PAGE) {
      this.pages.push(this.make(roomFor(this.used) * this.width))
      reader.fillWords(this.wordsInUse(this.pages.length - 1))
    }
  }
}

/** Rows of a page made while there are so many rows in all. */
function roomFor(rows: number): number {
  return rows <= FIRST_ROWS ? FIRST_ROWS : PAGE
}
