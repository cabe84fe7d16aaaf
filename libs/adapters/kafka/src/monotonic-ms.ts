/** Milliseconds of a clock that is never set: pauses and limits go by it, since a wall clock put back would stretch them by as much. */
export function monotonicMs(): number {
  return performance.now()
}
