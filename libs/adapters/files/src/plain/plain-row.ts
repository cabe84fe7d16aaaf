import { MAX_LINE_BYTES } from '../emission'

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const QUOTE = 34

/**
 * A row that lies on one line, in printable ASCII, without a quote and with as many fields as there are columns: its fields are parts of the
 * file's own bytes. What is read of any other row is left to `splitCsvRow`. Filled again for every row.
 */
export class PlainRow {
  bytes: Buffer = Buffer.alloc(0)
  /** Field `i` is `bytes[starts[i], ends[i])`. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  /** True for a line of no bytes, which is no row. */
  blank = false
  /** Where the next line begins. */
  next = 0
  /** The key of the event that is being written: its place in the target. */
  keyStart = 0
  keyEnd = 0
  /** Event time of the event that is being written, epoch milliseconds. */
  eventTimeMs = NaN
  private readonly delimiter: number

  constructor(
    private readonly columnCount: number,
    delimiter: string,
  ) {
    this.starts = new Uint32Array(columnCount)
    this.ends = new Uint32Array(columnCount)
    this.delimiter = delimiter.charCodeAt(0)
  }

  /** Reads the line that begins at `start`; false, with nothing promised of the fields, where it is no such row. */
  scan(bytes: Buffer, start: number): boolean {
    const { starts, ends, delimiter } = this
    const { length } = bytes
    const last = this.columnCount - 1
    let field = 0
    let at = start
    starts[0] = start
    for (; at < length; at++) {
      const byte = bytes[at]
      if (byte === delimiter) {
        if (field === last) return false
        ends[field++] = at
        starts[field] = at + 1
      } else if (byte < 0x20 || byte > 0x7e) break
      else if (byte === QUOTE) return false
    }
    let next = at
    if (next < length && bytes[next] === CARRIAGE_RETURN) next++
    if (next < length) {
      if (bytes[next] !== LINE_FEED) return false
      next++
    }
    ends[field] = at
    this.bytes = bytes
    this.next = next
    this.blank = at === start
    return this.blank || (field === last && at - start <= MAX_LINE_BYTES)
  }

  /** The field as a text. */
  text(column: number): string {
    return this.bytes.toString('latin1', this.starts[column], this.ends[column])
  }
}
