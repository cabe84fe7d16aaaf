/** The slow, obvious twins of the fast structures: what property tests hold them equal to. Not part of the public face. */

/** An event as the twins keep it. */
export interface NaiveEvent {
  readonly timeMs: number
  readonly value: number
}

/** An event of a key, for the twins of windows that close. */
export interface NaiveKeyedEvent extends NaiveEvent {
  readonly key: string
}

/** A window of a key with all that entered it. */
interface NaiveClosed {
  readonly key: string
  readonly startMs: number
  readonly endMs: number
  readonly count: number
  readonly sum: number
  /** Index of the event whose watermark closes it; Infinity where none does. */
  readonly closedBy: number
}

/** What windows of one specification come to over events in the order in which they arrive. */
export interface NaiveOutcome {
  readonly closed: readonly NaiveClosed[]
  /** Events that found a window of theirs closed. */
  readonly lateCount: number
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

/** Watermark as of each event. */
function watermarksOf(events: readonly NaiveEvent[], maxOutOfOrdernessMs: number): number[] {
  return events.map(
    (_, at) => events.slice(0, at + 1).reduce((newest, { timeMs }) => Math.max(newest, timeMs), -Infinity) - maxOutOfOrdernessMs,
  )
}

/** Tumbling and hopping windows `[start, start + size)`: each event goes into every one that holds it and has not closed. */
export function naiveAligned(
  events: readonly NaiveKeyedEvent[],
  options: { readonly sizeMs: number; readonly advanceMs: number; readonly graceMs: number; readonly maxOutOfOrdernessMs: number },
): NaiveOutcome {
  const { sizeMs, advanceMs, graceMs, maxOutOfOrdernessMs } = options
  const watermarks = watermarksOf(events, maxOutOfOrdernessMs)
  const windows = new Map<string, NaiveClosed>()
  let lateCount = 0
  events.forEach(({ key, timeMs, value }, at) => {
    const firstMs = Math.ceil((timeMs - sizeMs + 1) / advanceMs) * advanceMs
    let late = false
    for (let startMs = firstMs; startMs <= timeMs; startMs += advanceMs) {
      const endMs = startMs + sizeMs
      const by = watermarks.findIndex((watermarkMs) => watermarkMs >= endMs + graceMs)
      const closedBy = by === -1 ? Infinity : by
      if (closedBy <= at) {
        late = true
        continue
      }
      const { count, sum } = windows.get(`${key}@${startMs}`) ?? { count: 0, sum: 0 }
      windows.set(`${key}@${startMs}`, { key, startMs, endMs, count: count + 1, sum: sum + value, closedBy })
    }
    if (late) lateCount++
  })
  return { closed: [...windows.values()], lateCount }
}

/** Sessions `[first, last]` that the watermark closes: an event joins all open ones that it touches, or begins one if that is not closed at once. */
export function naiveClosingSessions(
  events: readonly NaiveKeyedEvent[],
  options: { readonly inactivityGapMs: number; readonly graceMs: number; readonly maxOutOfOrdernessMs: number },
): NaiveOutcome {
  const { inactivityGapMs: gapMs, graceMs, maxOutOfOrdernessMs } = options
  const watermarks = watermarksOf(events, maxOutOfOrdernessMs)
  let open: NaiveClosed[] = []
  const closed: NaiveClosed[] = []
  let lateCount = 0
  events.forEach(({ key, timeMs, value }, at) => {
    const isOver = ({ endMs }: { readonly endMs: number }): boolean => watermarks[at] > endMs + gapMs + graceMs
    closed.push(...open.filter(isOver).map((session) => ({ ...session, closedBy: at })))
    open = open.filter((session) => !isOver(session))
    const touched = open.filter((session) => session.key === key && timeMs >= session.startMs - gapMs && timeMs <= session.endMs + gapMs)
    const own = { key, startMs: timeMs, endMs: timeMs, count: 1, sum: value, closedBy: Infinity }
    if (touched.length === 0 && isOver(own)) {
      lateCount++
      return
    }
    const joined = touched.reduce<NaiveClosed>(
      (all, { startMs, endMs, count, sum }) => ({
        ...all,
        startMs: Math.min(all.startMs, startMs),
        endMs: Math.max(all.endMs, endMs),
        count: all.count + count,
        sum: all.sum + sum,
      }),
      own,
    )
    open = [...open.filter((session) => !touched.includes(session)), joined]
  })
  return { closed: [...closed, ...open], lateCount }
}
