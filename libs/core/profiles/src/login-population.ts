import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { ValueCounts } from './value-counts'

/** How often each value of each feature occurs among all logins of the partition; values beyond the limit count as unseen. */
export class LoginPopulation {
  private readonly counts: ValueCounts[]
  private readonly totals: Float64Array
  /** Values beyond the limit: counted in the totals, not by themselves. */
  valuesRefused = 0

  constructor(
    features: number,
    public maxValues: number,
  ) {
    this.counts = Array.from({ length: features }, () => new ValueCounts())
    this.totals = new Float64Array(features)
  }

  /** Counts one use of a value (by hash, not 0). */
  add(feature: number, hash: number): void {
    this.totals[feature]++
    if (!this.counts[feature].add(hash, this.maxValues)) this.valuesRefused++
  }

  /** Share of a value among all, one added to each and to what was never seen (Laplace); above 0. */
  share(feature: number, hash: number): number {
    const counts = this.counts[feature]
    return (counts.of(hash) + 1) / (this.totals[feature] + counts.size + 1)
  }

  /** Canonical content: values by hash, so that equal content has equal bytes. */
  writeContent(writer: ByteWriter): void {
    writer.varint(this.valuesRefused)
    for (let feature = 0; feature < this.counts.length; feature++) {
      const counts = this.counts[feature]
      writer.varint(this.totals[feature])
      const hashes = counts.hashes()
      writer.varint(hashes.length)
      for (const hash of hashes) {
        writer.u32(hash)
        writer.varint(counts.of(hash))
      }
    }
  }

  /** Writes everything, for a snapshot. */
  write(writer: ByteWriter): void {
    writer.varint(this.valuesRefused)
    for (let feature = 0; feature < this.counts.length; feature++) {
      writer.varint(this.totals[feature])
      this.counts[feature].write(writer)
    }
  }

  /** Fills a fresh population from what `write` wrote. */
  restore(reader: ByteReader): void {
    this.valuesRefused = reader.varint()
    for (let feature = 0; feature < this.counts.length; feature++) {
      this.totals[feature] = reader.varint()
      this.counts[feature].read(reader)
    }
  }
}
