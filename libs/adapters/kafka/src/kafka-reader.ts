import assert from 'node:assert'
import { RiskError, type Logger } from '@riskledger/contracts'
import { FETCH, decodeFetched, encodeFetch, type FetchedPartition } from './fetch-protocol'
import { offsetOutOfRange } from './kafka-errors'
import { describeErrorCode, type Wire } from './kafkajs-internals'
import { LeaderMap } from './leader-map'
import { listRange, type OffsetRange } from './list-range'
import { partitionName } from './partition-name'
import { ReadPartition, type Poll, type ReadPlace } from './read-partition'

const OFFSET_OUT_OF_RANGE = 1
const FIRST_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 2_000

/** Bounds of reading. Memory: twice `maxBytesPerPartition` of each topic and partition that is read, at most. */
export interface ReaderLimits {
  /** How long a broker waits for something to come before it says that nothing did. Default 100 ms. */
  readonly maxWaitMs: number
  /** One fetch brings this much of a topic and partition at most, and none is made while as much waits. Default 1 MiB. */
  readonly maxBytesPerPartition: number
  /** One fetch brings this much at most. Default 4 MiB. */
  readonly maxBytes: number
  /** A call that gets no answer for this long gives up with `log-unavailable`. Default 30,000 ms. */
  readonly unavailableAfterMs: number
}

export interface ReaderOptions {
  readonly limits: ReaderLimits
  readonly logger: Logger
  /** As `monotonicMs`. */
  readonly monotonicMs: () => number
}

/** At most one request of each kind is on its way to a node. */
type Lane = 'prompt' | 'waiting'

/**
 * Reads any number of topics and partitions by hand: no group, no committed offsets, positions given by whoever reads.
 *
 * Two requests may be on their way to each broker, on connections of their own. One asks for partitions that are known to hold more, or of which
 * nothing is known, and is answered at once; the other for those that were read to their end, and waits there for something to come. So a backlog in
 * one topic never waits for the silence of another, and a silent topic costs no delay: while the broker waits, it is known that there is nothing.
 */
export class KafkaReader {
  private readonly partitions = new Map<string, ReadPartition>()
  private readonly busy = new Set<string>()
  private readonly leaders: LeaderMap
  private requests = 0
  private turn = 0
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(
    private readonly wire: Wire,
    private readonly options: ReaderOptions,
  ) {
    this.leaders = new LeaderMap(wire, options)
  }

  /** Number of the newest request. */
  get requestNumber(): number {
    return this.requests
  }

  /** Begins to read the topic and partition from `fromOffset` on. One at a time: two would take each other's records. */
  open(place: ReadPlace, fromOffset: number): ReadPartition {
    const name = `${place.kafkaTopic}/${place.partition}`
    assert(!this.partitions.has(name), `${place.topic}, partition ${place.partition}, is read by another view of the log; close that first`)
    const partition = new ReadPartition(place, fromOffset)
    this.partitions.set(name, partition)
    return partition
  }

  /** Stops reading it and drops what was fetched. */
  release(partition: ReadPartition): void {
    this.partitions.delete(`${partition.place.kafkaTopic}/${partition.place.partition}`)
    partition.wake()
  }

  /** The topic and partition if somebody reads it. */
  reading(kafkaTopic: string, partition: number): ReadPartition | undefined {
    return this.partitions.get(`${kafkaTopic}/${partition}`)
  }

  /** Everything that is read. */
  all(): Iterable<ReadPartition> {
    return this.partitions.values()
  }

  /** First offset, and the one up to which everything is decided. Throws `log-unavailable`. */
  async range(kafkaTopic: string, partition: number): Promise<OffsetRange> {
    const range = await listRange({ wire: this.wire, leaders: this.leaders, ...this.options }, { kafkaTopic, partition })
    this.reading(kafkaTopic, partition)?.noteEnd(range.end, this.requests)
    return range
  }

  /** Sends what may be sent. Called whenever that may have changed. */
  schedule(): void {
    if (this.closed) return
    const nowMs = this.options.monotonicMs()
    const ready = new Map<string, ReadPartition[]>()
    let wakeAtMs = Infinity
    for (const partition of this.partitions.values()) {
      if (partition.poll !== null || partition.error !== null || partition.buffer.bytes >= this.options.limits.maxBytesPerPartition)
        continue
      const leader = partition.notBeforeMs > nowMs ? undefined : this.leaders.of(partition.place)
      if (leader === undefined) {
        if (partition.notBeforeMs <= nowMs) this.retryLater(partition, new Error('no node is known to lead it'))
        wakeAtMs = Math.min(wakeAtMs, partition.notBeforeMs)
        continue
      }
      const lane = this.laneOf(partition, leader)
      if (lane === null) continue
      const group = ready.get(lane)
      if (group === undefined) ready.set(lane, [partition])
      else group.push(partition)
    }
    for (const [lane, group] of ready) void this.poll(lane, group)
    this.wakeAt(wakeAtMs, nowMs)
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    for (const partition of this.partitions.values()) partition.wake()
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** Somebody who waits at the tail is told by the prompt request, where the waiting one is on its way without it. */
  private laneOf(partition: ReadPartition, leader: number): string | null {
    const waiting = `${leader}/waiting`
    if (partition.atTail && !this.busy.has(waiting)) return waiting
    if (partition.atTail && partition.waiters.size === 0) return null
    const prompt = `${leader}/prompt`
    return this.busy.has(prompt) ? null : prompt
  }

  private async poll(name: string, group: readonly ReadPartition[]): Promise<void> {
    const [node, lane] = name.split('/') as [string, Lane]
    const poll: Poll = { number: ++this.requests, waiting: lane === 'waiting', sentAtMs: this.options.monotonicMs() }
    this.busy.add(name)
    // The broker fills in the order asked: each time another one is first.
    const turn = this.turn++ % group.length
    const asked = [...group.slice(turn), ...group.slice(0, turn)].map((partition) => ({ partition, ...partition.begin(poll) }))
    try {
      const { maxWaitMs, maxBytes, maxBytesPerPartition } = this.options.limits
      const body = encodeFetch(
        asked.map(({ partition: { place }, fetchOffset }) => ({ topic: place.kafkaTopic, partition: place.partition, fetchOffset })),
        { maxWaitMs: poll.waiting ? maxWaitMs : 0, maxBytes, maxBytesPerPartition },
      )
      const { errorCode, partitions } = decodeFetched(await this.wire.send(Number(node), { ...FETCH, body, lane }))
      if (errorCode !== 0) throw new Error(describeErrorCode(errorCode).message)
      const answers = new Map(partitions.map((fetched) => [partitionName(fetched), fetched]))
      for (const { partition, isStill } of asked) {
        partition.end(poll)
        const answer = answers.get(partitionName({ topic: partition.place.kafkaTopic, partition: partition.place.partition }))
        if (isStill()) this.take(partition, answer, poll)
      }
    } catch (error) {
      for (const { partition } of asked) {
        partition.end(poll)
        this.retryLater(partition, error)
      }
    } finally {
      this.busy.delete(name)
      this.schedule()
    }
  }

  private take(partition: ReadPartition, answer: FetchedPartition | undefined, poll: Poll): void {
    if (answer === undefined) return this.retryLater(partition, new Error('the broker did not answer for it'))
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) return void this.findRange(partition)
    if (answer.errorCode === 0) {
      try {
        return partition.accept(answer, poll)
      } catch (error) {
        if (!(error instanceof RiskError)) throw error
        return partition.fail(error)
      }
    }
    const { type, retriable, message } = describeErrorCode(answer.errorCode)
    if (retriable) return this.retryLater(partition, new Error(`${type}: ${message}`))
    const { kafkaTopic, partition: number } = partition.place
    partition.fail(
      new RiskError(
        'log-unavailable',
        `The broker refuses to give ${kafkaTopic}, partition ${number}: ${type}, ${message}. Look at its access rules.`,
        {
          retriable: false,
          context: { topic: kafkaTopic, partition: number, error: type },
        },
      ),
    )
  }

  /** Says in which range the offset should have been; it is not asked for meanwhile. */
  private async findRange(partition: ReadPartition): Promise<void> {
    const { place } = partition
    const offset = partition.buffer.fetchOffset
    const poll = { number: this.requests, waiting: false, sentAtMs: this.options.monotonicMs() }
    const { isStill } = partition.begin(poll)
    try {
      const range = await this.range(place.kafkaTopic, place.partition)
      if (!isStill()) return
      // A leader that has just been elected may know less for a moment.
      if (offset >= range.start && offset <= range.end)
        this.retryLater(partition, new Error('the offset was out of range, and then was not'))
      else partition.fail(offsetOutOfRange({ topic: place.topic, partition: place.partition, offset }, range))
    } catch (error) {
      if (isStill()) this.retryLater(partition, error)
    } finally {
      partition.end(poll)
      this.schedule()
    }
  }

  private retryLater(partition: ReadPartition, failure: unknown): void {
    if (this.closed) return
    partition.lastFailure = failure
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(partition.failures, 10), MAX_BACKOFF_MS)
    partition.failures++
    partition.notBeforeMs = this.options.monotonicMs() + backoffMs
    void this.leaders.refresh().then(() => this.schedule())
  }

  private wakeAt(atMs: number, nowMs: number): void {
    clearTimeout(this.timer)
    if (atMs === Infinity) return
    this.timer = setTimeout(() => this.schedule(), Math.max(1, atMs - nowMs))
  }
}
