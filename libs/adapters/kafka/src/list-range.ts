import { setTimeout as wait } from 'node:timers/promises'
import { clusterFailure } from './kafka-errors'
import { describeErrorCode, type Wire } from './kafkajs-internals'
import type { LeaderMap } from './leader-map'
import { EARLIEST, LATEST, LIST_OFFSETS, decodeListedOffset, encodeListOffsets } from './offsets-protocol'

const RETRY_MS = 100

/** The offsets that can be read: `[start, end)`. */
export interface OffsetRange {
  readonly start: number
  readonly end: number
}

export interface RangePlace {
  readonly kafkaTopic: string
  readonly partition: number
}

/** Asks the leader for both ends of a partition; `end` is the last stable offset. Throws `log-unavailable` after `unavailableAfterMs`. */
export async function listRange(
  {
    wire,
    leaders,
    monotonicMs,
    limits,
  }: {
    readonly wire: Wire
    readonly leaders: LeaderMap
    readonly monotonicMs: () => number
    readonly limits: { readonly unavailableAfterMs: number }
  },
  place: RangePlace,
): Promise<OffsetRange> {
  const { kafkaTopic, partition } = place
  const giveUpAtMs = monotonicMs() + limits.unavailableAfterMs
  for (;;) {
    try {
      const leader = leaders.of(place)
      if (leader === undefined) throw new Error('no node is known to lead it')
      const [start, end] = await Promise.all([EARLIEST, LATEST].map((end) => ask(wire, leader, { kafkaTopic, partition, end })))
      return { start, end: Math.max(start, end) }
    } catch (error) {
      if (monotonicMs() >= giveUpAtMs)
        throw clusterFailure(`The offsets of ${kafkaTopic}, partition ${partition}, could not be had`, {
          cause: error,
          context: { topic: kafkaTopic, partition },
        })
      await leaders.refresh()
      await wait(RETRY_MS)
    }
  }
}

async function ask(wire: Wire, leader: number, what: RangePlace & { readonly end: number }): Promise<number> {
  const body = encodeListOffsets(what.kafkaTopic, what)
  const { errorCode, offset } = decodeListedOffset(await wire.send(leader, { ...LIST_OFFSETS, body, lane: 'prompt' }))
  if (errorCode === 0) return offset
  const { type, message } = describeErrorCode(errorCode)
  throw new Error(`${type}: ${message}`)
}
