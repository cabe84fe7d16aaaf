const DAY_MS = 86_400_000
const STEPS = 256

// 2^(-step / 256), by repeated square roots, which every engine computes alike.
const TABLE = new Float64Array(STEPS)
const roots: number[] = []
for (let root = 0.5, i = 0; i < 8; i++) roots.push((root = Math.sqrt(root)))
for (let step = 0; step < STEPS; step++) {
  let factor = 1
  for (let bit = 0; bit < 8; bit++) if (step & (128 >> bit)) factor *= roots[bit]
  TABLE[step] = factor
}

/** One event in 16.16 fixed point. */
export const ONE = 65536
export const HALF_LIFE_3D_MS = 3 * DAY_MS
export const HALF_LIFE_7D_MS = 7 * DAY_MS
const LIMIT = 0x1000000000

/** Lines of the half-life's grid (of half-life / 256: 17 and 39 minutes for 3 and 7 days) that lie in `(fromMs, toMs]`. */
export function gridLines(halfLifeMs: number, fromMs: number, toMs: number): number {
  const gridMs = halfLifeMs / STEPS
  return Math.floor(toMs / gridMs) - Math.floor(fromMs / gridMs)
}

/**
 * A decayed count in 16.16 fixed point, taken over so many lines of its half-life's grid. Time runs on that grid, so that many small steps
 * decay as much as one large one. Rounded to the nearest 65,536th; counts stay below 2^20 events.
 */
export function decay(value: number, lines: number): number {
  if (value === 0 || lines <= 0) return value
  const halvings = Math.floor(lines / STEPS)
  if (halvings > 40) return 0
  let whole = 1
  for (let i = 0; i < halvings; i++) whole *= 2
  return Math.min(LIMIT, Math.floor((value * TABLE[lines % STEPS]) / whole + 0.5))
}
