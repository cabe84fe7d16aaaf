import type { Ledger, Logger, Metrics } from '@riskledger/contracts'
import { screeningStream } from '@riskledger/journal'
import { startLoop, type Loop, type RetryOptions } from '@riskledger/runtime'
import { beginPosition, type StartFrom } from './begin-position'
import type { DispatchPlace, PositionStore } from './dispatch-position'
import { JournalFollower, type PulledBatches } from './journal-follower'
import { LagMeter } from './lag-meter'
import { makeMessages, type MessageBatch } from './make-messages'
import type { OutgoingMessage, PublishedAt, Publisher, PublishedTail } from './publisher'

const CALL_MESSAGES = 1_000

/** Moments at which a test may kill the process. */
export type DispatcherCrashPoint = 'messages-made' | 'messages-publishing' | 'messages-published' | 'position-saved'

/** What dispatching stands on. All of it comes from outside, so that tests drive it without sockets. */
export interface DispatcherOptions {
  readonly ledger: Ledger
  readonly publisher: Publisher
  readonly positions: PositionStore
  /** Looked at where the own position is missing; default null: nothing is read back. */
  readonly tail?: PublishedTail | null
  /** Where to begin with neither; default `beginning`. `end` passes over what is in the ledger by then. */
  readonly startFrom?: StartFrom
  /** Partitions of the journals. */
  readonly partitionCount: number
  /** Partitions of the risk topics; default as many as the journals have. */
  readonly topicPartitions?: number
  /** Prefix of stream names; empty for none. */
  readonly environment: string
  /** What stands before the topics' names; default empty, as for a publisher that puts a prefix of its own there. */
  readonly topicPrefix?: string
  readonly logger: Logger
  readonly metrics: Metrics
  readonly nowMs: () => number
  readonly signal: AbortSignal
  readonly retry?: RetryOptions
  /** Most messages of one call to the publisher, which is what a kill repeats at most; default 1,000. */
  readonly callMessages?: number
  /** Called at named moments, for tests that kill the process there. */
  readonly crashPoint?: (name: DispatcherCrashPoint) => void
  /** Once a partition is at work: its loop tells what is being tried again. */
  readonly onStart?: (partition: number, loop: Pick<Loop, 'retrying'>) => void
  /** After each call to the publisher that is durable on both sides. */
  readonly onPublished?: (batch: MessageBatch, at: readonly PublishedAt[]) => void
}

/** Publishes one partition's journal until `signal` aborts, from its own position on. Rejects with what ended it. */
export async function dispatchPartition(partition: number, options: DispatcherOptions): Promise<void> {
  const dispatcher = new PartitionDispatcher(options, partition)
  const loop = startLoop<PulledBatches, Made>({
    name: `dispatcher-${partition}`,
    pull: (signal, _, onAnswer) => dispatcher.pull(signal, onAnswer),
    step: (pulled) => dispatcher.make(pulled),
    commit: (made) => dispatcher.publish(made),
    prefetch: () => true,
    signal: options.signal,
    logger: options.logger,
    metrics: options.metrics,
    ...(options.retry === undefined ? {} : { retry: options.retry }),
  })
  options.onStart?.(partition, loop)
  try {
    await loop.done
  } finally {
    await dispatcher.close()
  }
}

/** What one step made: calls to the publisher, and how far the journal is published after them. */
interface Made {
  readonly calls: Call[]
  readonly throughRevision: number
}

interface Call {
  readonly batch: MessageBatch
  /** Null until the publisher has answered: what is published is not published again where its position cannot be kept. */
  published: readonly PublishedAt[] | null
}

class PartitionDispatcher {
  private readonly stream: string
  private readonly lag: LagMeter
  private readonly topicPartitions: number
  private readonly topicPrefix: string
  private follower: JournalFollower | null = null
  private from: DispatchPlace = { revision: 0, sequence: 0 }

  constructor(
    private readonly options: DispatcherOptions,
    private readonly partition: number,
  ) {
    this.stream = screeningStream(partition, 0, options.environment)
    this.lag = new LagMeter(options, { stream: this.stream, partition })
    this.topicPartitions = options.topicPartitions ?? options.partitionCount
    this.topicPrefix = options.topicPrefix ?? ''
  }

  /** Finding the position is part of the first pull, so that it is tried again as a pull is. */
  async pull(signal: AbortSignal, onAnswer: () => void): Promise<PulledBatches | undefined> {
    this.follower ??= await this.begin()
    return this.follower.pull(signal, onAnswer)
  }

  make({ batches, throughRevision }: PulledBatches): Made {
    const { partition, topicPartitions, topicPrefix } = this
    const { callMessages = CALL_MESSAGES } = this.options
    const made = [...makeMessages(batches, this.from, { partition, topicPartitions, topicPrefix, callMessages })]
    this.options.crashPoint?.('messages-made')
    return { calls: made.map((batch) => ({ batch, published: null })), throughRevision }
  }

  /** Each call is durable before the next. It is taken off the list then, so that trying again begins with the one that failed, and with what of it did. */
  async publish({ calls, throughRevision }: Made): Promise<void> {
    const { positions, crashPoint, onPublished } = this.options
    await this.lag.look()
    while (calls.length > 0) {
      const call = calls[0]
      const { batch } = call
      call.published ??= await this.send(batch)
      await positions.save(this.stream, batch.through)
      crashPoint?.('position-saved')
      calls.shift()
      this.count(batch.messages)
      onPublished?.(batch, call.published)
    }
    this.lag.passed(throughRevision)
  }

  private async send({ messages }: MessageBatch): Promise<readonly PublishedAt[]> {
    const { publisher, crashPoint } = this.options
    crashPoint?.('messages-publishing')
    const published = await publisher.publish(messages)
    crashPoint?.('messages-published')
    return published
  }

  async close(): Promise<void> {
    await this.follower?.close()
  }

  private async begin(): Promise<JournalFollower> {
    const { options, stream, topicPartitions, topicPrefix } = this
    const { tail = null, startFrom = 'beginning', ledger, positions, logger } = options
    const { start, from } = await beginPosition(stream, { ledger, positions, logger, tail, startFrom, topicPartitions, topicPrefix })
    this.from = from
    this.lag.passed(from.revision - 1)
    logger.info('publishing a journal', { stream, ...from })
    return new JournalFollower(ledger, start)
  }

  private count(messages: readonly OutgoingMessage[]): void {
    const counts = new Map<string, number>()
    for (const { topic } of messages) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    for (const [topic, count] of counts) this.options.metrics.count('riskledger_dispatcher_published_total', count, { topic })
  }
}
