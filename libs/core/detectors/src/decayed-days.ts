const DAY_MS = 86_400_000
const LN2 = 0.6931471805599453
const DOUBLINGS = 32
const TWO_TO_DOUBLINGS = 4_294_967_296
/** e^-64 is nothing beside 1. */
const LEAST_EXPONENT = -64

/**
 * Weight of a rate of one a day over the last `spanMs`, where an event weighs 2^(-age / half-life): the integral of the decay. To a double's
 * precision for the shortest spans too, by + - * / alone, so that every engine gives the same bits.
 */
export function decayedDays(spanMs: number, halfLifeMs: number): number {
  // e^x - 1, for x near 0 its series; then e^2x - 1 from e^x - 1.
  const exponent = Math.max(LEAST_EXPONENT, (-LN2 * spanMs) / halfLifeMs)
  const x = exponent / TWO_TO_DOUBLINGS
  let power = x * (1 + x / 2)
  for (let i = 0; i < DOUBLINGS; i++) power *= 2 + power
  return (-power * halfLifeMs) / (LN2 * DAY_MS)
}
