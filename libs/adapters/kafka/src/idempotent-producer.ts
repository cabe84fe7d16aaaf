import { setTimeout as wait } from 'node:timers/promises'
import { RiskError, type Logger } from '@riskledger/contracts'
import { describeErrorCode, type Wire, type ProducerIdentity } from './kafkajs-internals'
import { LeaderMap } from './leader-map'
import { partitionName } from './partition-name'
import { errorOf, refusalOf, unacknowledged } from './produce-errors'
import { PRODUCE, decodeProduced, encodeProduce } from './produce-protocol'
import { ProduceQueue, SendCall, type OutgoingBatch } from './produce-queue'
import { PRODUCER_DEFAULTS, type ProducerLimits } from './producer-limits'
import type { OutgoingRecord } from './record-batch-builder'

/** The broker has lost the numbering, or has another: 45 out of order, 47 and 90 fenced, 59 unknown producer. */
const NUMBERING_ERRORS = new Set([45, 47, 59, 90])
/** The leader may have written the batch although it says that it failed: 7 timed out, 20 too few replicas after the write. */
const DOUBTFUL_ERRORS = new Set([7, 20])
const FIRST_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 1_000
const PREPARE_ATTEMPTS = 20
const PREPARE_RETRY_MS = 100

export interface AddressedRecord extends OutgoingRecord {
  readonly topic: string
  readonly partition: number
}

export interface ProducerOptions extends Partial<ProducerLimits> {
  readonly logger: Logger
  /** As `monotonicMs`. */
  readonly monotonicMs: () => number
}

/**
 * Sends records so that each is written once, in the order of the calls in each partition: one batch of a partition is on its way at a time, and it is
 * sent again byte for byte, number included, until the leader says that all in-sync replicas have it.
 *
 * It stands in place of kafkajs' producer, which numbers a batch anew when it retries a request to one broker while another's is on its way
 * (records twice), and which, after it has given up on a batch that was written all the same, gives that batch's numbers to the next (the broker takes
 * it for the old one and drops it). Here a partition whose batch has an unknown fate goes on under a new producer id.
 */
export class IdempotentProducer {
  private readonly limits: ProducerLimits
  private readonly leaders: LeaderMap
  private readonly queues = new Map<string, ProduceQueue>()
  private readonly busy = new Set<number>()
  private readonly idle = new Set<() => void>()
  private identity: ProducerIdentity | null = null
  private identifying = false
  private identifyFailures = 0
  private pendingBytes = 0
  private calls = 0
  private timer: NodeJS.Timeout | undefined
  private scheduled = false
  private closing = false

  constructor(
    private readonly wire: Wire,
    private readonly options: ProducerOptions,
  ) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    this.limits = { ...PRODUCER_DEFAULTS, ...given }
    this.leaders = new LeaderMap(wire, options)
  }

  /**
   * Resolves to the offset of each record once all are written. The bytes are copied before it returns. Rejects once nothing is on its way any
   * more: `log-unavailable` (retriable; what was sent may be there), `record-too-large`, `limit-reached` (retriable), `cancelled` (closed).
   */
  send(records: readonly AddressedRecord[]): Promise<readonly number[]> {
    const refusal = this.refusalOf(records)
    if (refusal !== null) return Promise.reject(refusal)
    return new Promise<readonly number[]>((resolve, reject) => {
      this.calls++
      const call = new SendCall(records.length, {
        resolve: (offsets) => this.finish(() => resolve(offsets)),
        reject: (error) => this.finish(() => reject(error)),
      })
      const { maxBatchBytes } = this.limits
      const nowMs = this.options.monotonicMs()
      records.forEach((record, place) => {
        const bytes = this.queueOf(record).add(record, { call, place, maxBatchBytes, nowMs })
        this.pendingBytes += bytes
      })
      this.scheduleSoon()
    })
  }

  /**
   * Asks for a producer id before the first send needs it, for two seconds at most: a cluster that has just started may not give one yet. Without one the
   * first send asks again.
   */
  async prepare(): Promise<void> {
    for (let attempt = 1; attempt <= PREPARE_ATTEMPTS && this.identity === null && !this.closing; attempt++) {
      try {
        this.identity = await this.wire.newProducer()
      } catch (error) {
        this.options.logger.debug('the cluster gives no producer id yet', { attempt, error: String(error) })
        await wait(PREPARE_RETRY_MS)
      }
    }
  }

  /** Takes nothing more and waits for what is on its way, `deliveryTimeoutMs` at most. */
  async close(): Promise<void> {
    this.closing = true
    if (this.calls > 0) await new Promise<void>((resolve) => this.idle.add(resolve))
    clearTimeout(this.timer)
  }

  private refusalOf(records: readonly AddressedRecord[]): RiskError | null {
    if (this.closing) return new RiskError('cancelled', 'The producer is closed.', { retriable: false })
    const { maxRecordBytes, maxPendingBytes } = this.limits
    for (const { topic, partition, key, value } of records) {
      const bytes = (key?.length ?? 0) + (value?.length ?? 0)
      if (bytes > maxRecordBytes)
        return new RiskError(
          'record-too-large',
          `A record for ${topic}, partition ${partition}, has ${bytes} bytes; ${maxRecordBytes} are the most.`,
          {
            retriable: false,
            context: { topic, partition, bytes, maxRecordBytes },
          },
        )
    }
    if (this.pendingBytes <= maxPendingBytes) return null
    return new RiskError(
      'limit-reached',
      `${this.pendingBytes} bytes wait to be acknowledged by Kafka; ${maxPendingBytes} are the most. Send more slowly.`,
      {
        retriable: true,
        context: { pendingBytes: this.pendingBytes, maxPendingBytes },
      },
    )
  }

  private finish(settle: () => void): void {
    settle()
    if (--this.calls === 0) for (const resolve of this.idle) resolve()
  }

  private queueOf({ topic, partition }: AddressedRecord): ProduceQueue {
    const name = partitionName({ topic, partition })
    let queue = this.queues.get(name)
    if (queue === undefined) this.queues.set(name, (queue = new ProduceQueue(topic, partition)))
    return queue
  }

  /** Schedules once the calling code has run on to its next await: calls made until then share a request. */
  private scheduleSoon(): void {
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.schedule()
    })
  }

  /** Sends what may be sent. Called whenever that may have changed. */
  private schedule(): void {
    const nowMs = this.options.monotonicMs()
    const ready = new Map<number, ProduceQueue[]>()
    let wakeAtMs = Infinity
    for (const queue of this.queues.values()) {
      if (queue.isEmpty || queue.flying) continue
      if (queue.notBeforeMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, queue.notBeforeMs)
        continue
      }
      if (queue.identity === null && this.identity === null && queue.first.sealed === null) {
        void this.identify()
        continue
      }
      const leader = this.leaders.of({ kafkaTopic: queue.topic, partition: queue.partition })
      if (leader === undefined) {
        this.retryLater(queue, new Error('no node is known to lead it'))
        wakeAtMs = Math.min(wakeAtMs, queue.notBeforeMs)
      } else if (!this.busy.has(leader)) {
        const group = ready.get(leader)
        if (group === undefined) ready.set(leader, [queue])
        else group.push(queue)
      }
    }
    for (const [leader, group] of ready) void this.produce(leader, group)
    clearTimeout(this.timer)
    if (wakeAtMs < Infinity) this.timer = setTimeout(() => this.schedule(), Math.max(1, wakeAtMs - nowMs))
  }

  private async identify(): Promise<void> {
    if (this.identifying) return
    this.identifying = true
    try {
      this.identity = await this.wire.newProducer()
      this.identifyFailures = 0
    } catch (error) {
      this.identifyFailures++
      for (const queue of this.queues.values()) if (!queue.isEmpty && !queue.flying) this.retryLater(queue, error)
    } finally {
      this.identifying = false
      this.schedule()
    }
  }

  private async produce(leader: number, group: readonly ProduceQueue[]): Promise<void> {
    this.busy.add(leader)
    const sent: ProduceQueue[] = []
    let bytes = 0
    for (const queue of group) {
      if (sent.length > 0 && bytes + queue.first.builder.bytes > this.limits.maxRequestBytes) continue
      bytes += queue.first.builder.bytes
      queue.flying = true
      sent.push(queue)
    }
    for (const queue of sent) this.putLast(queue)
    try {
      const partitions = sent.map((queue) => ({ topic: queue.topic, partition: queue.partition, batch: queue.seal(this.identity!) }))
      const body = encodeProduce(partitions, this.limits.deliveryTimeoutMs)
      const answers = new Map(
        decodeProduced(await this.wire.send(leader, { ...PRODUCE, body, lane: 'waiting' })).map((a) => [partitionName(a), a]),
      )
      for (const queue of sent) {
        queue.flying = false
        const answer = answers.get(partitionName(queue))
        if (answer === undefined) this.failed(queue, { errorCode: null, error: new Error('the broker did not answer for it') })
        else if (answer.errorCode === 0) this.settle(queue, answer.baseOffset)
        else this.failed(queue, { errorCode: answer.errorCode, error: errorOf(answer.errorCode) })
      }
    } catch (error) {
      for (const queue of sent) {
        queue.flying = false
        this.failed(queue, { errorCode: null, error })
      }
    } finally {
      this.busy.delete(leader)
      this.schedule()
    }
  }

  /** What a request had no room for comes first in the next. */
  private putLast(queue: ProduceQueue): void {
    const name = partitionName(queue)
    this.queues.delete(name)
    this.queues.set(name, queue)
  }

  private failed(queue: ProduceQueue, { errorCode, error }: { readonly errorCode: number | null; readonly error: unknown }): void {
    const batch = queue.first
    if (errorCode === null || DOUBTFUL_ERRORS.has(errorCode)) batch.doubtful = true
    if (errorCode !== null && NUMBERING_ERRORS.has(errorCode)) {
      this.renumber(queue)
      // Refused at its first attempt it was not written: it may go again under another number.
      if (!batch.doubtful) {
        batch.sealed = null
        this.retryLater(queue, error)
      } else this.settle(queue, unacknowledged(queue, { cause: error, deliveryTimeoutMs: this.limits.deliveryTimeoutMs }))
    } else if (errorCode === null || describeErrorCode(errorCode).retriable) this.retryLater(queue, error)
    else this.settle(queue, refusalOf(queue, errorCode))
  }

  private retryLater(queue: ProduceQueue, error: unknown): void {
    const nowMs = this.options.monotonicMs()
    if (this.isOverdue(queue, nowMs)) return this.giveUp(queue, { error, nowMs })
    queue.notBeforeMs = nowMs + Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(queue.failures++, 10), MAX_BACKOFF_MS)
    this.options.logger.debug('Kafka takes a batch later', { topic: queue.topic, partition: queue.partition, error: String(error) })
    void this.leaders.refresh().then(() => this.schedule())
  }

  private isOverdue(queue: ProduceQueue, nowMs: number): boolean {
    return !queue.isEmpty && nowMs - queue.first.createdAtMs >= this.limits.deliveryTimeoutMs
  }

  /** Fails every batch that is overdue, in order: each with a time of its own behind the others, callers would wait for all of these together. */
  private giveUp(queue: ProduceQueue, { error, nowMs }: { readonly error: unknown; readonly nowMs: number }): void {
    const { deliveryTimeoutMs } = this.limits
    while (this.isOverdue(queue, nowMs)) this.settle(queue, unacknowledged(queue, { cause: error, deliveryTimeoutMs }))
  }

  private settle(queue: ProduceQueue, outcome: number | RiskError): void {
    const batch: OutgoingBatch = queue.shift()
    this.pendingBytes -= batch.builder.bytes
    if (typeof outcome !== 'number') this.renumber(queue)
    batch.settle(outcome)
  }

  /** The partition goes on under another id: numbers that were used for what may yet be written must not be used again. */
  private renumber(queue: ProduceQueue): void {
    if (queue.identity === this.identity) this.identity = null
    queue.forget()
  }
}
