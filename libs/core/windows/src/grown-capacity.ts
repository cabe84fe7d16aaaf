/**
 * How much room an array that holds `held` and must hold `need` is given: twice as much while it is small, then a quarter more, since doubling gigabytes would hold three times
 * what is needed for a moment. `doublesBelow`: from how much on it is no longer small.
 */
export function grownCapacity(held: number, need: number, doublesBelow: number): number {
  return Math.max(need, held < doublesBelow ? held * 2 : held + (held >>> 2))
}
