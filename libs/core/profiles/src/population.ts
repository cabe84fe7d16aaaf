import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { AMOUNT_BINS, AMOUNT_EDGES } from './amount-bins'
import { powerOfTwo } from './exact-numbers'

const REFRESH_EVENTS = 64
const REBASE_HALF_LIVES = 200

/** One decayed histogram of the whole partition: what an account without a habit of its own is measured by. */
export class PopulationHistogram {
  readonly bins: Float64Array
  total = 0
  private baseMs = 0
  private sinceRefresh = 0
  medianMinor = -1
  percentileMinor = -1
  /** Share of the whole at or above each bin, as of the last refresh; one more entry, 0, at the end. */
  readonly tail: Float64Array

  constructor(bins: number) {
    this.bins = new Float64Array(bins)
    this.tail = new Float64Array(bins + 1)
  }

  /** Adds one event. */
  add(bin: number, timeMs: number, halfLifeMs: number): void {
    if (this.total === 0) this.baseMs = timeMs
    if (timeMs - this.baseMs > REBASE_HALF_LIVES * halfLifeMs) this.rebase(timeMs, halfLifeMs)
    const weight = powerOfTwo((timeMs - this.baseMs) / halfLifeMs)
    this.bins[bin] += weight
    this.total += weight
  }

  /** Takes one event back out; what is left is never below nothing. */
  remove(bin: number, timeMs: number, halfLifeMs: number): void {
    const weight = Math.min(this.bins[bin], powerOfTwo((timeMs - this.baseMs) / halfLifeMs))
    this.bins[bin] -= weight
    this.total -= weight
  }

  /** Expresses all weights relative to another moment; also for a change of half-life. */
  rebase(toMs: number, halfLifeMs: number): void {
    const factor = powerOfTwo((this.baseMs - toMs) / halfLifeMs)
    for (let i = 0; i < this.bins.length; i++) this.bins[i] *= factor
    this.total *= factor
    this.baseMs = toMs
  }

  /** Median, percentile and tail of the amounts, made anew every 64th call (a function of the number of events, so a fold agrees). */
  refresh(percentilePpm: number): void {
    if (this.sinceRefresh-- > 0) return
    this.sinceRefresh = REFRESH_EVENTS - 1
    this.medianMinor = quantileMinor(this.bins, this.total * 0.5)
    this.percentileMinor = quantileMinor(this.bins, this.total * (percentilePpm / 1_000_000))
    for (let bin = this.bins.length - 1, above = 0; bin >= 0; bin--) {
      above += this.bins[bin]
      this.tail[bin] = this.total > 0 ? above / this.total : 0
    }
  }

  /** Makes the next `refresh` count, after a change of policy. */
  forceRefresh(): void {
    this.sinceRefresh = 0
  }

  write(writer: ByteWriter): void {
    for (const numbers of [this.bins, this.tail]) writer.sparseNumbers(numbers, 0, numbers.length)
    for (const value of [this.total, this.baseMs, this.sinceRefresh, this.medianMinor, this.percentileMinor]) writer.f64(value)
  }

  read(reader: ByteReader): void {
    readSparse(this.bins, reader)
    readSparse(this.tail, reader)
    this.total = reader.f64()
    this.baseMs = reader.f64()
    this.sinceRefresh = reader.f64()
    this.medianMinor = reader.f64()
    this.percentileMinor = reader.f64()
  }
}

/** Reads what `ByteWriter.sparseNumbers` wrote into zeroed numbers. */
function readSparse(numbers: Float64Array, reader: ByteReader): void {
  for (let at = -1; ;) {
    const step = reader.varint()
    if (step === 0) return
    at += step
    if (at >= numbers.length) reader.refuse('a row is longer than its format')
    numbers[at] = reader.f64()
  }
}

/** The amount below which `mass` of the histogram lies, linear within its bin, minor units; -1 for an empty one. */
function quantileMinor(bins: Float64Array | Float32Array, mass: number): number {
  let below = 0
  let last = -1
  for (let bin = 0; bin < AMOUNT_BINS; bin++) {
    const weight = bins[bin]
    if (weight <= 0) continue
    if (below + weight >= mass) return withinBin(bin, (mass - below) / weight)
    below += weight
    last = bin
  }
  return last < 0 ? -1 : AMOUNT_EDGES[last + 1]
}

/** The amount at a share in `[0, 1]` of a bin's width, rounded to minor units. */
export function withinBin(bin: number, share: number): number {
  const low = bin === 0 ? 0 : AMOUNT_EDGES[bin]
  return Math.round(low + (AMOUNT_EDGES[bin + 1] - low) * share)
}
