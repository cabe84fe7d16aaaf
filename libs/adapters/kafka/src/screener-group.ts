import kafkajs, { type Consumer } from 'kafkajs'
import { RAW_TOPICS, RiskError, type Logger, type RawTopic } from '@riskledger/contracts'
import { coPartitionedAssigner } from './co-partitioned-assigner'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure } from './kafka-errors'
import { kafkajsConfigOf } from './kafkajs-config'
import { rawTopicName } from './raw-topic-name'

export interface ScreenerGroupOptions {
  readonly connection: KafkaConnection
  /** Name of the group, without the connection's prefix. */
  readonly groupId: string
  /** Default: all raw topics. */
  readonly topics?: readonly RawTopic[]
  readonly partitionCount: number
  /** Partitions that this process has been given and did not hold. May throw: the membership then fails. */
  readonly onAssigned: (partitions: readonly number[]) => void
  /**
   * Partitions that it held and has lost. Told once the group has shared anew, so that whoever has them now may have begun: it is the journal's tenure that
   * keeps the two apart, not this call.
   */
  readonly onLost: (partitions: readonly number[]) => void
  /** It is in the group, and has been told what it holds, which may be nothing. Called each time that the group has shared. */
  readonly onJoined?: () => void
  /** Ends the membership as `leave` does. */
  readonly signal?: AbortSignal
  readonly logger?: Logger
  /** A member that is not heard for this long is out. Default 10,000 ms; brokers take 6,000 and more unless told otherwise. */
  readonly sessionTimeoutMs?: number
  /** How often a member is heard, and so how soon it learns that the group shares anew. Default 500 ms. */
  readonly heartbeatIntervalMs?: number
}

/** Where reading stands, for those who watch the lag: the offset of the next record. */
export interface CommittedPosition {
  readonly topic: RawTopic
  readonly partition: number
  readonly offset: number
}

/** A membership in the group of screeners. */
export interface ScreenerGroup {
  /** Rejects when the membership has ended for good and by no wish of ours; leave the process with a non-zero code then. Never resolves. */
  readonly failed: Promise<never>
  /** Commits positions for lag monitors; nothing is ever read from them. A failure is logged and not thrown. */
  commitPositions(positions: readonly CommittedPosition[]): Promise<void>
  /** Gives the partitions back at once and leaves; `onLost` is not called. */
  leave(): Promise<void>
}

/**
 * Joins the group that shares the partitions among screeners: partition *p* of all topics to one of them. The membership is all that kafkajs' consumer
 * is used for: every partition is paused before its first fetch, so it never reads, and neither its positions nor its resets matter. Its heartbeat goes on
 * while all is paused. Whoever names partitions by hand needs no group.
 *
 * Resolves once connected, which is before it is in the group and whether or not it gets in; `onJoined` tells of that, and assignments come through `onAssigned`. Throws `configuration-invalid` and `log-unavailable`; afterwards, `failed` rejects
 * with `configuration-invalid` where members differ in topics or partitions, and `log-unavailable` for what kafkajs does not recover from.
 */
export async function joinScreenerGroup(options: ScreenerGroupOptions): Promise<ScreenerGroup> {
  const membership = new Membership(options)
  await membership.join()
  return membership
}

class Membership implements ScreenerGroup {
  readonly failed: Promise<never>
  private fail!: (error: Error) => void
  private readonly consumer: Consumer
  private readonly names: readonly string[]
  private owned: readonly number[] = []
  private generation = -1
  /** Settles when a join that is on its way has ended, well or not. */
  private joining: Promise<void> = Promise.resolve()
  private endJoining: () => void = () => undefined
  private leaving: Promise<void> | undefined

  constructor(private readonly options: ScreenerGroupOptions) {
    const {
      topics = RAW_TOPICS,
      partitionCount,
      groupId,
      logger = NO_LOGGER,
      sessionTimeoutMs = 10_000,
      heartbeatIntervalMs = 500,
    } = options
    const connection = checkConnection(options.connection)
    this.failed = new Promise<never>((_, reject) => {
      this.fail = reject
    })
    // Whoever awaits it sees the rejection; nobody has to.
    this.failed.catch(() => undefined)
    this.names = topics.map((topic) => rawTopicName(topic, connection.prefix))
    this.consumer = new kafkajs.Kafka(kafkajsConfigOf(connection, logger)).consumer({
      groupId: `${connection.prefix}${groupId}`,
      partitionAssigners: [
        coPartitionedAssigner({
          topics: this.names,
          partitionCount,
          claim: () => ({ owned: this.owned, generation: this.generation }),
        }),
      ],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      // What is paused is looked at this often, and a heartbeat sent if one is due.
      maxWaitTimeInMs: Math.ceil(heartbeatIntervalMs / 2),
      allowAutoTopicCreation: false,
    })
  }

  async join(): Promise<void> {
    const { consumer } = this
    const { GROUP_JOIN, HEARTBEAT, CRASH } = consumer.events
    consumer.on(HEARTBEAT, ({ payload }) => {
      this.generation = payload.groupGenerationId
    })
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.joined(payload.memberAssignment)
      this.endJoining()
    })
    consumer.on(CRASH, ({ payload }) => {
      this.endJoining()
      if (!payload.restart) this.crashed(payload.error)
      else if (this.leaving === undefined) this.beginJoining()
    })
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...this.names], fromBeginning: true })
      this.beginJoining()
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: ({ batch }) => {
          const error = new Error(`${batch.topic}, partition ${batch.partition}, was fetched although it is paused`)
          this.crashed(error)
          return Promise.reject(error)
        },
      })
    } catch (error) {
      this.endJoining()
      await consumer.disconnect()
      if (error instanceof RiskError) throw error
      throw clusterFailure(`The group ${this.options.groupId} could not be joined`, {
        cause: error,
        context: { groupId: this.options.groupId },
      })
    }
    const { signal } = this.options
    if (signal?.aborted === true) await this.leave()
    else signal?.addEventListener('abort', () => void this.leave(), { once: true })
  }

  async commitPositions(positions: readonly CommittedPosition[]): Promise<void> {
    const { prefix } = this.options.connection
    try {
      await this.consumer.commitOffsets(
        positions.map(({ topic, partition, offset }) => ({ topic: rawTopicName(topic, prefix), partition, offset: String(offset) })),
      )
    } catch (error) {
      this.options.logger?.warn('Positions could not be committed for lag monitors; nothing depends on them', { error: String(error) })
    }
  }

  leave(): Promise<void> {
    this.leaving ??= this.joining.then(() => this.consumer.disconnect())
    return this.leaving
  }

  /** A consumer of kafkajs that is stopped while it joins goes on once it has joined, and cannot be stopped any more: to leave is to wait for that. */
  private beginJoining(): void {
    this.joining = new Promise((resolve) => {
      // It runs, or has planned its next start, only after it has told of its join or crash.
      this.endJoining = () => setImmediate(resolve)
    })
  }

  /** Called before the first fetch of a generation, and must pause before it returns. */
  private joined(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.consumer.pause(Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions: [...partitions] })))
    const before = this.owned
    const now = [...(assignment[this.names[0]] ?? [])].sort((a, b) => a - b)
    this.owned = now
    if (this.leaving !== undefined) return
    try {
      const lost = before.filter((partition) => !now.includes(partition))
      if (lost.length > 0) this.options.onLost(lost)
      const gained = now.filter((partition) => !before.includes(partition))
      if (gained.length > 0) this.options.onAssigned(gained)
      this.options.onJoined?.()
    } catch (error) {
      this.crashed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  private crashed(error: Error): void {
    const riskError = riskErrorWithin(error)
    const { groupId } = this.options
    this.fail(
      riskError ??
        new RiskError(
          'log-unavailable',
          `The membership in ${groupId} has ended: ${error.message}. Leave, and let the process be started again.`,
          {
            retriable: false,
            cause: error,
            context: { groupId },
          },
        ),
    )
    void this.leave().catch(() => undefined)
  }
}

/** kafkajs wraps what an assigner threw. */
function riskErrorWithin(error: unknown): RiskError | null {
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) if (inner instanceof RiskError) return inner
  return null
}
