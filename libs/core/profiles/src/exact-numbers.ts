/**
 * Powers of two, logarithms and rounding out of + - * / and sqrt alone, which every engine computes alike to the last bit
 * (`Math.exp`, `log` and `pow` may differ between engines, and verdicts may not).
 */
const STEPS = 1024
const FRACTIONS = new Float64Array(STEPS)
const roots: number[] = []
for (let root = 2, i = 0; i < 10; i++) roots.push((root = Math.sqrt(root)))
for (let step = 0; step < STEPS; step++) {
  let power = 1
  for (let bit = 0; bit < 10; bit++) if (step & (512 >> bit)) power *= roots[bit]
  FRACTIONS[step] = power
}
const LARGEST = 1000
const WHOLES = new Float64Array(2 * LARGEST + 1)
for (let i = 0; i <= LARGEST; i++) {
  WHOLES[LARGEST + i] = i === 0 ? 1 : WHOLES[LARGEST + i - 1] * 2
  WHOLES[LARGEST - i] = i === 0 ? 1 : WHOLES[LARGEST - i + 1] / 2
}

/** 2^exponent, the exponent taken down to a 1,024th; 0 below -1,000, 2^1000 from 1,000 on. Relative error at most 0.07 %. */
export function powerOfTwo(exponent: number): number {
  if (exponent <= -LARGEST) return 0
  if (exponent >= LARGEST) return WHOLES[2 * LARGEST]
  const whole = Math.floor(exponent)
  return WHOLES[whole + LARGEST] * FRACTIONS[Math.floor((exponent - whole) * STEPS)]
}

const LN2 = 0.6931471805599453
const LOGS = new Float64Array(STEPS)
for (let step = 0; step < STEPS; step++) {
  // ln m = 2 artanh((m - 1) / (m + 1)) in the middle of the step; 20 terms are beyond a double's precision for m below 2.
  const m = 1 + (step + 0.5) / STEPS
  const z = (m - 1) / (m + 1)
  let term = z
  let sum = 0
  for (let k = 1; k < 41; k += 2) {
    sum += term / k
    term *= z * z
  }
  LOGS[step] = 2 * sum
}

/** Natural logarithm in nats of a value from 1 to 2^1000, by table; absolute error below 0.0005 nats. */
function naturalLog(value: number): number {
  let rest = value
  let halvings = 0
  while (rest >= 65536) {
    rest /= 65536
    halvings += 16
  }
  while (rest >= 2) {
    rest /= 2
    halvings++
  }
  return halvings * LN2 + LOGS[Math.floor((rest - 1) * STEPS)]
}

/** ln(numerator / denominator) in hundredths of a nat, both above 0. */
export function logRatioCentinats(numerator: number, denominator: number): number {
  const ratio = numerator / denominator
  return roundHalfEven(ratio >= 1 ? naturalLog(ratio) * 100 : naturalLog(1 / ratio) * -100)
}

/** To the nearest integer, a half to the even one, as all evidence is rounded. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** Rounds half-even and clips to `[low, high]`; also -0 to 0. */
export function clipRound(value: number, low: number, high: number): number {
  return value <= low ? low : value >= high ? high : roundHalfEven(value) + 0
}
