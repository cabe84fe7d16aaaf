import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'

const LIMB = 0x8000000 // 2^27

/** Count and exact sum of safe integers, the sum in two limbs: exact for up to 2^25 values of any size, and for any number of small ones. */
export class Accumulator {
  count = 0
  private high = 0
  private low = 0

  add(value: number): void {
    const upper = Math.floor(value / LIMB)
    this.count++
    this.high += upper
    this.low += value - upper * LIMB
  }

  /** Takes in all of another's values. */
  merge(other: Accumulator): void {
    this.count += other.count
    this.high += other.high
    this.low += other.low
  }

  /** Exact sum, or ±(2^53 - 1) with `exact` false where it is beyond that. */
  total(): { readonly sum: number; readonly exact: boolean } {
    const carry = Math.floor(this.low / LIMB)
    const sum = (this.high + carry) * LIMB + (this.low - carry * LIMB)
    if (sum > Number.MAX_SAFE_INTEGER) return { sum: Number.MAX_SAFE_INTEGER, exact: false }
    if (sum < -Number.MAX_SAFE_INTEGER) return { sum: -Number.MAX_SAFE_INTEGER, exact: false }
    return { sum, exact: true }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.count)
    writer.f64(this.high)
    writer.f64(this.low)
  }

  static read(reader: ByteReader): Accumulator {
    const made = new Accumulator()
    made.count = reader.varint()
    made.high = reader.f64()
    made.low = reader.f64()
    return made
  }
}
