import { wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

/** How often each value of each feature occurs among all logins of the partition; values beyond the limit count as unseen. */
export class LoginPopulation {
  private readonly counts: Map<number, number>[]
  private readonly totals: Float64Array
  /** Values beyond the limit: counted in the totals, not by themselves. */
  valuesRefused = 0

  constructor(
    features: number,
    public maxValues: number,
  ) {
    this.counts = Array.from({ length: features }, () => new Map<number, number>())
    this.totals = new Float64Array(features)
  }

  /** Counts one use of a value (by hash). */
  add(feature: number, hash: number): void {
    const counts = this.counts[feature]
    const count = counts.get(hash)
    this.totals[feature]++
    if (count !== undefined) counts.set(hash, count + 1)
    else if (counts.size < this.maxValues) counts.set(hash, 1)
    else this.valuesRefused++
  }

  /** Share of a value among all, one added to each and to what was never seen (Laplace); above 0. */
  share(feature: number, hash: number): number {
    const counts = this.counts[feature]
    return ((counts.get(hash) ?? 0) + 1) / (this.totals[feature] + counts.size + 1)
  }

  /** Canonical content: values by hash, so that equal content has equal bytes. */
  writeContent(writer: ByteWriter): void {
    writer.varint(this.valuesRefused)
    for (let feature = 0; feature < this.counts.length; feature++) {
      const counts = this.counts[feature]
      writer.varint(this.totals[feature])
      const hashes = Uint32Array.from(counts.keys()).sort()
      writer.varint(hashes.length)
      for (const hash of hashes) {
        writer.u32(hash)
        writer.varint(counts.get(hash)!)
      }
    }
  }

  /** Writes everything, for a snapshot. */
  write(writer: ByteWriter): void {
    writer.varint(this.valuesRefused)
    for (let feature = 0; feature < this.counts.length; feature++) {
      writer.varint(this.totals[feature])
      const cells = new Float64Array(2 * this.counts[feature].size)
      let at = 0
      for (const [hash, count] of this.counts[feature]) {
        cells[at++] = hash
        cells[at++] = count
      }
      writer.words(wordsOf(cells))
    }
  }

  /** Fills a fresh population from what `write` wrote. */
  restore(reader: ByteReader): void {
    this.valuesRefused = reader.varint()
    for (let feature = 0; feature < this.counts.length; feature++) {
      this.totals[feature] = reader.varint()
      const cells = new Float64Array(reader.words().buffer)
      for (let at = 0; at < cells.length; at += 2) this.counts[feature].set(cells[at], cells[at + 1])
    }
  }
}
