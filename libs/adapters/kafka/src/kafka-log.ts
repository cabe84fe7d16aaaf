import assert from 'node:assert'
import {
  RAW_TOPICS,
  recordsOf,
  RiskError,
  type EventLog,
  type Logger,
  type Metrics,
  type ProposedRecord,
  type RawTopic,
  type SourceProgress,
} from '@riskledger/contracts'
import { IdempotentProducer } from './idempotent-producer'
import type { ProducerLimits } from './producer-limits'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure, isUnknownTopic } from './kafka-errors'
import { ConfluentFraming } from './confluent-framing'
import { KafkaLogView } from './kafka-log-view'
import { KafkaReader, type ReaderLimits } from './kafka-reader'
import { KafkaWire } from './kafkajs-internals'
import { LagReport, type TopicLag } from './lag-report'
import { monotonicMs } from './monotonic-ms'
import { rawTopicName } from './raw-topic-name'
import type { SchemaRegistryOptions } from './schema-registry'

/** Where the log is and what it may take. */
export interface KafkaLogOptions extends Partial<ReaderLimits>, Partial<ProducerLimits> {
  readonly connection: KafkaConnection
  /** Partitions of every raw topic; a cluster that has another number is refused. */
  readonly partitionCount: number
  /** Whether it will be appended to: then what the first append would wait for is asked for before. Default false. */
  readonly appends?: boolean
  /** The topics that are used. Default: all raw topics. */
  readonly topics?: readonly RawTopic[]
  /** Where the schemas of records in Confluent's framing are registered. Default: such records are given as they are, and end in quarantine. */
  readonly registry?: SchemaRegistryOptions
  /** Default: nothing is said. */
  readonly logger?: Logger
  /** Gets the lag every five seconds: `riskledger_log_lag_messages` and `riskledger_log_lag_seconds` by topic and partition. Default: nobody. */
  readonly metrics?: Metrics
  /** Wall clock, epoch milliseconds, for the age of what is unread. Default the machine's. */
  readonly nowMs?: () => number
}

/** An `EventLog` on Kafka. Its own fetches and waits are those of one reader; `view` makes more readers. */
export interface KafkaLog extends EventLog {
  /**
   * The same log for another reader, over the same connections: with waits of its own, which end when something came to a topic and partition that
   * it fetched from. Each topic and partition is read by one view at a time. Closing a view stops reading what it read; closing the log closes all.
   */
  view(): EventLog
  /** How far reading is behind, of every topic and partition that is read. */
  lag(): readonly TopicLag[]
}

const READER_LIMITS: ReaderLimits = {
  maxWaitMs: 100,
  maxBytesPerPartition: 1024 * 1024,
  maxBytes: 4 * 1024 * 1024,
  unavailableAfterMs: 30_000,
}

/**
 * Opens the raw topics of a Kafka cluster as an `EventLog`.
 *
 * **Reading** is by hand and resumes wherever it is told to: no group, no committed offset, no reset. A fetch resolves once there are records, or
 * once it is known that there are none: `highWatermark` in its response is Kafka's *last stable offset*. Were it the high watermark proper, a publisher
 * that leaves a transaction open would hold back the merge of all topics until the broker aborts it, minutes later, and nothing before its end could be
 * read anyway. The price: a transaction's records may come after others that were published while it was open. Offsets without a
 * record for us are reported as gaps: `transaction-marker`, `aborted`, or `compacted` (which also stands for markers and aborted records that
 * compaction removed since: nothing tells them apart). A record without a value reads as one of zero bytes.
 *
 * **Appending** is idempotent: acknowledged by all in-sync replicas, each record once, in the order of the calls. Each partition's batch is whole or
 * absent, and an append over several partitions may be there in part when it rejects. Then, with `log-unavailable`, records may yet come that were on their
 * way. `brokerTimeMs` is kept where the topic takes its publisher's time (`CreateTime`); production topics put the broker's. `orderTimeMs` is not kept: it reads
 * as undefined. `progress` is refused: imports of files belong to the embedded log, and `sources` is empty.
 *
 * Errors: `configuration-invalid` (settings, missing topics, other partition counts, compressions that are not read, no registry where one is named), `offset-out-of-range`,
 * `log-unavailable` (retriable: broker out of reach for `unavailableAfterMs`; not: access refused), `log-corrupt`, `record-too-large`,
 * `limit-reached` (more appended than sent: `maxPendingBytes`), `cancelled` (closed meanwhile).
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const connection = checkConnection(options.connection)
  const { partitionCount, topics = RAW_TOPICS, logger = NO_LOGGER, registry } = options
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 1024)
    throw new RiskError('configuration-invalid', `The number of partitions must be 1 to 1024, not ${partitionCount}.`, { retriable: false })
  const names = topics.map((topic) => rawTopicName(topic, connection.prefix))
  const framing = registry === undefined ? null : new ConfluentFraming(registry, monotonicMs)
  await framing?.check()
  const wire = new KafkaWire(connection, logger)
  const producerWire = new KafkaWire(connection, logger)
  try {
    await wire.open(names)
    for (const name of names) assertPartitions(name, { expected: partitionCount, found: wire.partitionCountOf(name) })
    await producerWire.open(names)
  } catch (error) {
    await Promise.all([wire.close(), producerWire.close()])
    if (error instanceof RiskError) throw error
    throw openingFailed(error, connection)
  }
  const log = new KafkaEventLog({ ...options, connection }, { wire, producerWire, framing })
  if (options.appends === true) await log.prepare()
  return log
}

class KafkaEventLog implements KafkaLog {
  readonly partitionCount: number
  private readonly reader: KafkaReader
  private readonly producer: IdempotentProducer
  private readonly views = new Set<KafkaLogView>()
  private readonly own: KafkaLogView
  private readonly report: LagReport
  private closing: Promise<void> | undefined

  constructor(
    private readonly options: KafkaLogOptions,
    private readonly parts: { readonly wire: KafkaWire; readonly producerWire: KafkaWire; readonly framing: ConfluentFraming | null },
  ) {
    const { logger = NO_LOGGER, nowMs = Date.now, partitionCount } = options
    this.partitionCount = partitionCount
    this.reader = new KafkaReader(parts.wire, { limits: { ...READER_LIMITS, ...definedOf(options) }, logger, monotonicMs })
    this.producer = new IdempotentProducer(parts.producerWire, { ...options, logger, monotonicMs })
    this.own = this.newView()
    this.report = new LagReport(this.reader, { ...options, nowMs })
  }

  prepare(): Promise<void> {
    return this.producer.prepare()
  }

  append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    return this.own.append(records, progress)
  }

  async appendColumns(columns: Parameters<EventLog['appendColumns']>[0], progress?: SourceProgress): Promise<void> {
    await this.own.append(recordsOf(columns), progress)
  }

  fetch(request: Parameters<EventLog['fetch']>[0]): ReturnType<EventLog['fetch']> {
    return this.own.fetch(request)
  }

  range(topic: RawTopic, partition: number): ReturnType<EventLog['range']> {
    return this.own.range(topic, partition)
  }

  sources(): Promise<readonly SourceProgress[]> {
    return this.own.sources()
  }

  changed(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.own.changed(timeoutMs, signal)
  }

  view(): EventLog {
    assert(this.closing === undefined, 'the log is closed')
    return this.newView()
  }

  lag(): readonly TopicLag[] {
    return this.report.now()
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private newView(): KafkaLogView {
    const { connection, topics = RAW_TOPICS } = this.options
    const view = new KafkaLogView({
      reader: this.reader,
      producer: this.producer,
      framing: this.parts.framing,
      prefix: connection.prefix,
      topics,
      partitionCount: this.partitionCount,
      limits: { ...READER_LIMITS, ...definedOf(this.options) },
      monotonicMs,
      onClose: () => this.views.delete(view),
    })
    this.views.add(view)
    return view
  }

  private async closeAll(): Promise<void> {
    this.report.stop()
    this.parts.framing?.close()
    await Promise.all([...this.views].map((view) => view.close()))
    await this.producer.close()
    this.reader.close()
    await Promise.all([this.parts.wire.close(), this.parts.producerWire.close()])
  }
}

/** The limits that were given: an option that is undefined must not replace its default. */
function definedOf(options: Partial<ReaderLimits>): Partial<ReaderLimits> {
  const { maxWaitMs, maxBytesPerPartition, maxBytes, unavailableAfterMs } = options
  return Object.fromEntries(
    Object.entries({ maxWaitMs, maxBytesPerPartition, maxBytes, unavailableAfterMs }).filter(([, value]) => value !== undefined),
  )
}

function assertPartitions(topic: string, { expected, found }: { readonly expected: number; readonly found: number }): void {
  if (found === expected) return
  throw new RiskError(
    'configuration-invalid',
    `Topic ${topic} has ${found} partitions where ${expected} are expected. All raw topics have the same number; it stands in the journal's first entry.`,
    { retriable: false, context: { topic, expected, found } },
  )
}

function openingFailed(error: unknown, { brokers, prefix }: KafkaConnection): RiskError {
  if (isUnknownTopic(error))
    return new RiskError(
      'configuration-invalid',
      `The cluster at ${brokers.join(', ')} lacks raw topics with the prefix "${prefix}". Make them with riskledger topics create.`,
      { retriable: false, cause: error, context: { brokers: brokers.join(','), prefix } },
    )
  return clusterFailure(`The Kafka cluster at ${brokers.join(', ')} could not be reached`, {
    cause: error,
    context: { brokers: brokers.join(',') },
  })
}
