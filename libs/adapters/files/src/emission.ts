import type { RawTopic } from '@riskledger/contracts'

/** Why a line or row gives no event, or one that screening refuses. */
export interface Rejection {
  readonly file: string
  /** Number of the line on which it begins, from 1. */
  readonly line: number
  /** What is wrong, where, and what to do. */
  readonly message: string
}

/** What a file gives to the log: a record without its place and times there. */
export interface Emission {
  readonly topic: RawTopic
  /** NaN where there is no event. */
  readonly eventTimeMs: number
  readonly accountId: string | null
  readonly value: Uint8Array
  /** Why there is no event; where there is one, why it is refused if its time is too far past its arrival. */
  readonly rejection: Rejection | null
}

/** Longest line, or row over several lines, that is kept whole: 1 MiB. */
export const MAX_LINE_BYTES = 1_048_576
/** What is kept of a longer one: its first 64 KiB, with a note of its length and SHA-256. */
export const KEPT_OF_LONG_LINE_BYTES = 65_536
