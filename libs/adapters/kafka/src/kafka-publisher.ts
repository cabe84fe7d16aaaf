import { partitionFor, RiskError, type Logger } from '@riskledger/contracts'
import { IdempotentProducer, type AddressedRecord } from './idempotent-producer'
import { monotonicMs } from './monotonic-ms'
import type { ProducerLimits } from './producer-limits'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure, isUnknownTopic } from './kafka-errors'
import { HEARD_WITHIN_MS, KafkaWire } from './kafkajs-internals'

/** A message on its way to any topic. */
export interface PublishedMessage {
  /** The topic's name without the connection's prefix, such as `risk.verdicts` or `raw.payments`. */
  readonly topic: string
  /** Left out: by the key, as Java's client and kafkajs do (murmur2); a message without a key then goes to partition 0. */
  readonly partition?: number
  readonly key: Uint8Array | null
  /** Null: a tombstone, which deletes the key from a compacted topic. */
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Where a message lies; `topic` as it was given. */
export interface PublishedPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface KafkaPublisherOptions extends Partial<ProducerLimits> {
  readonly connection: KafkaConnection
  /** Default: nothing is said. */
  readonly logger?: Logger
  /** Wall clock, epoch milliseconds: the messages' time where the topic keeps its publisher's. Default the machine's. */
  readonly nowMs?: () => number
}

/** Publishes to topics of any kind. */
export interface KafkaPublisher {
  /**
   * Resolves to the positions, in order, once all in-sync replicas have the messages. Each is written once, in the order of the calls within its
   * partition; any number of calls may be in flight, and share requests. Bytes are the caller's again once it resolves; before that they must stay as they are.
   * Rejects once nothing is on its way any more: `log-unavailable` (retriable: what was sent may be there), `record-too-large`, `limit-reached`
   * (retriable: more than `maxPendingBytes` wait), `configuration-invalid` (no such topic or partition), `cancelled`.
   * A topic that the broker has not heard of is waited for two seconds, once, and meanwhile so are the calls after it.
   */
  publish(messages: readonly PublishedMessage[]): Promise<readonly PublishedPosition[]>
  /** Takes nothing more, waits for what is on its way, and leaves. */
  close(): Promise<void>
}

/** Connects to a cluster to publish. Throws `configuration-invalid` for settings, `log-unavailable` where no broker answers. */
export async function openKafkaPublisher(options: KafkaPublisherOptions): Promise<KafkaPublisher> {
  const { logger = NO_LOGGER, nowMs = Date.now } = options
  const connection = checkConnection(options.connection)
  const wire = new KafkaWire(connection, logger)
  try {
    await wire.open([])
  } catch (error) {
    await wire.close()
    throw clusterFailure(`The Kafka cluster at ${connection.brokers.join(', ')} could not be reached`, {
      cause: error,
      context: { brokers: connection.brokers.join(',') },
    })
  }
  return new ProducingPublisher(wire, { producer: new IdempotentProducer(wire, { ...options, logger, monotonicMs }), connection, nowMs })
}

class ProducingPublisher implements KafkaPublisher {
  private readonly known = new Set<string>()
  /** Waited for once and still missing: another call for one of them is refused at once, since it would hold back the others again. */
  private readonly missing = new Set<string>()
  /** Until when new topics are waited for by those that learn of some now, one after the other. */
  private patientUntilMs = 0
  /** A call that meets a new topic holds back those after it, so that none overtakes it. */
  private learning: Promise<void> | undefined
  private closing: Promise<void> | undefined

  constructor(
    private readonly wire: KafkaWire,
    private readonly parts: { readonly producer: IdempotentProducer; readonly connection: KafkaConnection; readonly nowMs: () => number },
  ) {}

  async publish(messages: readonly PublishedMessage[]): Promise<readonly PublishedPosition[]> {
    const { producer, connection, nowMs } = this.parts
    if (this.closing !== undefined) throw this.closed()
    const names = [...new Set(messages.map(({ topic }) => `${connection.prefix}${topic}`))]
    if (this.learning !== undefined || names.some((name) => !this.known.has(name))) await this.learnInTurn(names)
    if (this.closing !== undefined) throw this.closed()
    const timeMs = nowMs()
    const records = messages.map((message): AddressedRecord => ({ timeMs, ...message, ...this.addressOf(message) }))
    const offsets = await producer.send(records)
    return messages.map(({ topic }, i) => ({ topic, partition: records[i].partition, offset: offsets[i] }))
  }

  close(): Promise<void> {
    this.closing ??= this.parts.producer.close().then(() => this.wire.close())
    return this.closing
  }

  private addressOf({ topic, partition, key }: PublishedMessage): { readonly topic: string; readonly partition: number } {
    const name = `${this.parts.connection.prefix}${topic}`
    const count = this.wire.partitionCountOf(name)
    const chosen = partition ?? (key === null ? 0 : partitionFor(key, count))
    if (!(chosen >= 0 && chosen < count))
      throw new RiskError('configuration-invalid', `Topic ${name} has ${count} partitions: there is no partition ${chosen}.`, {
        retriable: false,
        context: { topic: name, partition: chosen, count },
      })
    return { topic: name, partition: chosen }
  }

  private async learnInTurn(names: readonly string[]): Promise<void> {
    const before = this.learning
    if (before === undefined) this.patientUntilMs = monotonicMs() + HEARD_WITHIN_MS
    const turn = (async () => {
      // Its failure is its own caller's.
      await before?.catch(() => undefined)
      const unknown = names.filter((name) => !this.known.has(name))
      for (const name of unknown) await this.learn(name)
    })()
    this.learning = turn
    try {
      await turn
    } finally {
      if (this.learning === turn) this.learning = undefined
    }
  }

  private async learn(name: string): Promise<void> {
    const context = { topic: name }
    try {
      const heardWithinMs = this.missing.has(name) ? 0 : Math.max(0, this.patientUntilMs - monotonicMs())
      await this.wire.addTopics([name], { heardWithinMs })
    } catch (error) {
      if (this.closing !== undefined) throw this.closed()
      if (!isUnknownTopic(error)) throw clusterFailure(`The metadata of ${name} could not be had`, { cause: error, context })
      this.missing.add(name)
      throw new RiskError('configuration-invalid', `The cluster lacks the topic ${name}. Make it with riskledger topics create.`, {
        retriable: false,
        cause: error,
        context,
      })
    }
    this.known.add(name)
    this.missing.delete(name)
  }

  private closed(): RiskError {
    return new RiskError('cancelled', 'The publisher is closed.', { retriable: false })
  }
}
