import type { Bands } from '@riskledger/policy'

/** A policy's table of points by value, ready to be read. */
export class BandTable {
  /** Below this a value earns nothing. */
  readonly first: number
  private readonly from: Float64Array
  private readonly points: Float64Array

  constructor(bands: Bands) {
    this.from = Float64Array.from(bands, (pair) => pair[0])
    this.points = Float64Array.from(bands, (pair) => pair[1])
    this.first = this.from[0]
  }

  /** Points of a value: 0 below the first `from`, on the straight line between two, rounded half-even, the last pair's from there on. */
  pointsAt(value: number): number {
    if (value < this.first) return 0
    const { from, points } = this
    const last = from.length - 1
    if (value >= from[last]) return points[last]
    let i = 1
    while (value >= from[i]) i++
    const rise = points[i] - points[i - 1]
    return points[i - 1] + roundHalfEven(((value - from[i - 1]) * rise) / (from[i] - from[i - 1]))
  }

  /** The `from` of the pair at or below a value: the threshold that it passed. */
  passed(value: number): number {
    let i = 0
    while (i + 1 < this.from.length && value >= this.from[i + 1]) i++
    return this.from[i]
  }
}

/** The nearest whole number, the even one of two equally near. Never -0. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest > 0.5 || (rest === 0.5 && below % 2 !== 0)) return below + 1 + 0
  return below + 0
}
