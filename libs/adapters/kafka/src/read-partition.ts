import type { RawTopic, RiskError } from '@riskledger/contracts'
import type { FetchedPartition } from './fetch-protocol'
import { PartitionBuffer } from './partition-buffer'

/** Past this a poll is no proof any more that nothing came: the broker should have answered. */
const POLL_PROOF_MS = 1_000

/** Which topic and partition, and its topic's name on Kafka. */
export interface ReadPlace {
  readonly topic: RawTopic
  readonly partition: number
  readonly kafkaTopic: string
}

/** A fetch request that is on its way. */
export interface Poll {
  /** Counts requests: a later one has a greater number. */
  readonly number: number
  /** True where the broker waits for something to come. */
  readonly waiting: boolean
  readonly sentAtMs: number
}

/** Where one topic and partition is read: what was fetched, and what is known of its end. */
export class ReadPartition {
  buffer: PartitionBuffer
  poll: Poll | null = null
  /** Why it cannot go on; a seek clears it. */
  error: RiskError | null = null
  /** Why the last attempt failed, until one succeeds. */
  lastFailure: unknown = undefined
  failures = 0
  /** Not asked for before this time, in epoch milliseconds. */
  notBeforeMs = 0
  /** Last stable offset as far as known; -1 before the first answer. */
  stableEnd = -1
  highWatermark = -1
  /** Answers to requests with a lower number may be older than what is known of the end. */
  endKnownAt = 0
  /** Number of the last request that was answered for it. */
  answered = 0
  /** Grows with each answer. */
  answers = 0
  /** Fetches that wait. */
  readonly waiters = new Set<() => void>()
  /** Called when records or gaps came. */
  readonly listeners = new Set<() => void>()
  private generation = 0

  constructor(
    readonly place: ReadPlace,
    fromOffset: number,
  ) {
    this.buffer = new PartitionBuffer(place, fromOffset)
  }

  /** Goes on at this offset and drops what was fetched. */
  seek(fromOffset: number): void {
    this.buffer = new PartitionBuffer(this.place, fromOffset)
    this.generation++
    // An answer on its way is void, and must not be waited for.
    this.poll = null
    this.error = null
    this.notBeforeMs = 0
  }

  /** True once everything up to the known end was fetched. */
  get atTail(): boolean {
    return this.stableEnd >= 0 && this.buffer.fetchOffset >= this.stableEnd
  }

  /**
   * True while a request waits at the broker that it would have answered if there were anything: as good as an answer that says so, and without
   * its delay.
   */
  provenAtTail(nowMs: number): boolean {
    const { poll } = this
    return (
      this.atTail &&
      this.buffer.bytes === 0 &&
      poll !== null &&
      poll.waiting &&
      this.answered > this.endKnownAt &&
      nowMs - poll.sentAtMs < POLL_PROOF_MS
    )
  }

  /** True where an answer that came after `answers` counted this says that there is nothing. */
  answeredAtTail(answers: number): boolean {
    return this.atTail && this.buffer.bytes === 0 && this.answers > answers && this.answered > this.endKnownAt
  }

  /** The poll is over, unless another has begun. */
  end(poll: Poll): void {
    if (this.poll === poll) this.poll = null
  }

  /** Takes note that the log reached at least this offset, or just that it grew, when the request with this number was the newest. */
  noteEnd(end: number | null, requestNumber: number): void {
    if (end !== null && end > this.stableEnd) this.stableEnd = end
    this.endKnownAt = Math.max(this.endKnownAt, requestNumber)
  }

  /** What a poll is about: a seek meanwhile makes its answer void. */
  begin(poll: Poll): { readonly fetchOffset: number; isStill: () => boolean } {
    this.poll = poll
    const { generation } = this
    return { fetchOffset: this.buffer.fetchOffset, isStill: () => generation === this.generation }
  }

  /** Takes in an answer without error. Throws what the buffer throws. */
  accept(fetched: FetchedPartition, poll: Poll): void {
    this.failures = 0
    this.lastFailure = undefined
    this.answers++
    this.answered = poll.number
    this.stableEnd = poll.number > this.endKnownAt ? fetched.lastStableOffset : Math.max(this.stableEnd, fetched.lastStableOffset)
    this.highWatermark = fetched.highWatermark
    this.buffer.add(fetched)
    if (fetched.batches.length > 0) for (const listener of this.listeners) listener()
    this.wake()
  }

  fail(error: RiskError): void {
    this.error = error
    // Whoever waits for a change learns of it by the next fetch.
    for (const listener of this.listeners) listener()
    this.wake()
  }

  wake(): void {
    for (const waiter of [...this.waiters]) waiter()
  }
}
