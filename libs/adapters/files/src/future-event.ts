import { adviceFor } from '@riskledger/events'
import type { Rejection } from './emission'

/** Which events may be dated too far ahead. */
export interface LatestTime {
  /** No event up to this time is refused for it, epoch milliseconds; whether a later one is, its arrival decides. */
  readonly latestMs: number
  /** How far past its arrival an event may be dated. */
  readonly maxSkewMs: number
}

/** A limit for input of which nothing is too late. */
export const NO_LATEST_TIME: LatestTime = { latestMs: Infinity, maxSkewMs: Infinity }

/** What is told of an event dated after `latestMs` if it is refused for that; null for any other. */
export function refusalOfTime(
  eventTimeMs: number,
  where: { readonly file: string; readonly line: number },
  { latestMs, maxSkewMs }: LatestTime,
): Rejection | null {
  if (eventTimeMs <= latestMs) return null
  const message = `the event is dated ${new Date(eventTimeMs).toISOString()}, more than ${maxSkewMs / 1000} s past its arrival (future-event). ${adviceFor('future-event').repair}`
  return { ...where, message }
}
