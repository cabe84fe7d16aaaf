/**
 * The known name that a misspelt one most likely means, or null where none is near: at most a third of its letters, and always one, may be wrong,
 * missing, too many or swapped with their neighbour (the distance of Damerau, 1964, without edits inside a swap). Case does not count. Of two that
 * are as near, the first known.
 */
export function closestName(name: string, known: Iterable<string>): string | null {
  let closest: string | null = null
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const one of known) {
    const distance = distanceOf(name.toLowerCase(), one.toLowerCase())
    if (distance >= least) continue
    least = distance
    closest = one
  }
  return closest
}

/** Edits that make one text of the other. */
function distanceOf(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const substituted = last[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      row[j] = Math.min(substituted, last[j] + 1, row[j - 1] + 1)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) row[j] = Math.min(row[j], beforeLast[j - 2] + 1)
    }
    beforeLast = last
    last = row
  }
  return last[to.length]
}
