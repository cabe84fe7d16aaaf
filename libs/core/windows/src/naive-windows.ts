/** The slow, obvious twins of the fast structures: what property tests hold them equal to. Not part of the public face. */

/** An event as the twins keep it. */
export interface NaiveEvent {
  readonly timeMs: number
  readonly value: number
}

/** Count and sum over `(at - delay - width, at - delay]`, by looking at every event there ever was. */
export function naiveWindow(
  events: readonly NaiveEvent[],
  at: { readonly atMs: number; readonly delayMs: number; readonly widthMs: number },
): { readonly count: number; readonly sum: bigint } {
  const endMs = at.atMs - at.delayMs
  const inside = events.filter(({ timeMs }) => timeMs > endMs - at.widthMs && timeMs <= endMs)
  return { count: inside.length, sum: inside.reduce((sum, { value }) => sum + BigInt(value), 0n) }
}

/** Distinct members over `(at - width, at]`. */
export function naiveDistinct(
  sights: readonly { readonly member: number; readonly timeMs: number }[],
  at: { readonly atMs: number; readonly widthMs: number },
): number {
  return new Set(sights.filter(({ timeMs }) => timeMs > at.atMs - at.widthMs && timeMs <= at.atMs).map(({ member }) => member)).size
}

/** Sessions `[first, last]` of one key's events, none of them late. */
export function naiveSessions(
  events: readonly NaiveEvent[],
  gapMs: number,
): readonly { startMs: number; endMs: number; count: number; sum: number }[] {
  const sessions: { startMs: number; endMs: number; count: number; sum: number }[] = []
  for (const { timeMs, value } of [...events].sort((a, b) => a.timeMs - b.timeMs)) {
    const last = sessions.at(-1)
    if (last !== undefined && timeMs - last.endMs <= gapMs) {
      last.endMs = timeMs
      last.count++
      last.sum += value
    } else sessions.push({ startMs: timeMs, endMs: timeMs, count: 1, sum: value })
  }
  return sessions
}
