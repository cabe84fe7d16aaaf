import type { QuarantineReason } from '../quarantine-reason'

/** Blocks and items of lists and maps in one record at most, whatever the record announces; items may take no bytes at all. */
const MAX_ITEMS = 65_536

/**
 * A record on its way from the bytes of one schema to those of another. Never throws and never reads or writes outside of its bounds: the first thing
 * wrong is kept, and what follows it does nothing.
 */
export class Transcoding {
  failure: QuarantineReason | null = null
  detail = ''
  /** Where the next byte goes in `out`. */
  outAt = 0
  private items = 0

  constructor(
    readonly bytes: Uint8Array,
    /** Where the next byte is read. */
    public at: number,
    readonly out: Uint8Array,
  ) {}

  /** Notes what is wrong, unless something was before. */
  fail(reason: QuarantineReason, detail: string): void {
    if (this.failure !== null) return
    this.failure = reason
    this.detail = detail
    this.at = this.bytes.length
  }

  /** Copies so many bytes, or passes over them. */
  take(length: number, copies: boolean): void {
    if (this.failure !== null) return
    if (length > this.bytes.length - this.at) return this.fail('truncated', 'the record ends within a value')
    if (copies) this.put(this.bytes.subarray(this.at, this.at + length))
    this.at += length
  }

  /** Writes bytes. */
  put(bytes: Uint8Array): void {
    if (bytes.length > this.out.length - this.outAt)
      return this.fail('oversized', `the record, brought to the current schema, has more than ${this.out.length} bytes`)
    this.out.set(bytes, this.outAt)
    this.outAt += bytes.length
  }

  /** Copies a number as it is encoded, or passes over it. */
  takeLong(copies: boolean): void {
    const from = this.at
    this.long()
    const to = this.at
    if (this.failure === null && copies) this.put(this.bytes.subarray(from, to))
  }

  /** Copies a value that its length precedes, or passes over it. */
  takeSized(copies: boolean): void {
    const from = this.at
    const length = this.long()
    if (this.failure !== null) return
    if (length < 0) return this.fail('invalid-value', `a value has the length ${length}; a length is 0 or more`)
    const head = this.at - from
    this.at = from
    this.take(head + length, copies)
  }

  /** Reads a number within ±(2^53 - 1); 0 after a failure. */
  long(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10 && this.failure === null; i++) {
      if (this.at >= this.bytes.length) this.fail('truncated', 'the record ends within a number')
      const byte = this.failure === null ? this.bytes[this.at++] : 0
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) {
        if (this.failure !== null) return 0
        // A value past 2^53 is not exact any more; its half is no whole number of ours either way.
        if (value > 2 * Number.MAX_SAFE_INTEGER) break
        return value % 2 === 0 ? value / 2 : -(value - 1) / 2 - 1
      }
    }
    this.fail('invalid-value', 'a number does not fit into 53 bits')
    return 0
  }

  /** Reads where a block of a list or map begins: how many items it has, 0 at the end, and 0 after a failure. */
  blockLength(): number {
    const count = this.long()
    // A negative count is followed by the block's length in bytes, for readers that skip it.
    if (count < 0) this.long()
    const length = count < 0 ? -count : count
    this.items += length + 1
    if (this.items > MAX_ITEMS) this.fail('too-many-items', `the record announces more than ${MAX_ITEMS} items`)
    return this.failure === null ? length : 0
  }
}
