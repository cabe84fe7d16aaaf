/**
 * Seeded pseudo-random numbers in 32-bit integer arithmetic, so that every engine gives the same ones: sfc32 (Chris
 * Doty-Humphrey, PractRand, 2010). Not for secrets.
 */
export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  /** A generator of its own for each combination of keys (integers; taken modulo 2^32). The same keys give the same sequence. */
  constructor(...keys: readonly number[]) {
    let h = 0x9e3779b9
    for (const key of keys) h = mix(h ^ mix(key | 0) ^ Math.imul(h, 0x85ebca6b))
    this.a = mix(h + 1)
    this.b = mix(h + 2)
    this.c = mix(h + 3)
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** An integer in `[0, bound)`; `bound` from 1 to 2^32. */
  below(bound: number): number {
    return Math.floor((this.bits() / 4294967296) * bound)
  }

  /** An integer in `[from, to]`. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  /** True `permille` times in a thousand. */
  chance(permille: number): boolean {
    return this.below(1000) < permille
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick needs at least one item')
    return items[this.below(items.length)]
  }

  /** The index of a weight, chosen in proportion to it. */
  weighted(weights: readonly number[]): number {
    let total = 0
    for (const weight of weights) total += weight
    let left = this.below(total)
    for (let i = 0; i < weights.length; i++) {
      left -= weights[i]
      if (left < 0) return i
    }
    return weights.length - 1
  }

  /** A factor in thousandths, close to log-normal with median 1,000 and sigma 0.35, cut at 1/2.2 and 2.2: by table, not by `exp`. */
  spreadPermille(): number {
    const at = this.below((SPREAD.length - 1) * 1024)
    const step = at >>> 10
    return Math.round(SPREAD[step] + ((SPREAD[step + 1] - SPREAD[step]) * (at & 1023)) / 1024)
  }

  /** A UUID of version 4 form. */
  uuid(): string {
    const hex = [this.bits(), this.bits(), this.bits(), this.bits()].map((word) => word.toString(16).padStart(8, '0')).join('')
    const variant = '89ab'[parseInt(hex[16], 16) & 3]
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
  }
}

/** Quantiles of a log-normal (median 1,000, sigma 0.35) at 0, 1/16 ... 1, the ends cut at 2.25 sigma. */
const SPREAD = [455, 584, 669, 733, 790, 843, 895, 946, 1000, 1057, 1118, 1187, 1266, 1364, 1496, 1711, 2200]

/** murmur3's finaliser (Appleby): spreads every input bit over all output bits. */
function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}
