import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import Cluster from 'kafkajs/src/cluster/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js'
import type { ISocketFactory } from 'kafkajs'
import type { Logger } from '@riskledger/contracts'
import type { CheckedConnection } from './kafka-connection'
import { isUnknownTopic } from './kafka-errors'
import { KAFKAJS_LOG_LEVEL, kafkajsConfigOf, openSocket } from './kafkajs-config'
import { monotonicMs } from './monotonic-ms'

/** A request in bytes, without the header that every request has. */
export interface WireRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  readonly body: Buffer
  /** Longest wait for an answer; what the connection says, if that is longer. */
  readonly timeoutMs?: number
  /** A connection answers in order, so what may wait long at the broker has one of its own. */
  readonly lane: 'prompt' | 'waiting'
}

/** The id under which a broker knows an idempotent producer. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** How long a topic may be unknown to a broker before it counts as missing: a broker hears of a topic some time after it was made through another. */
export const HEARD_WITHIN_MS = 2_000
const HEARD_RETRY_MS = 200

/** Errors of kafkajs after which a connection is of no more use. */
const BROKEN_CONNECTION: ReadonlySet<string> = new Set(['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError'])

/**
 * Connections to a cluster, authenticated and kept, and what its metadata say: the layer of kafkajs beneath its consumer and producer. Every
 * use of kafkajs' internals is in this file.
 */
export class KafkaWire {
  private readonly cluster: Cluster
  private readonly sockets = new Set<Socket>()
  private refreshing: Promise<void> | undefined
  private closed = false

  constructor(connection: CheckedConnection, logger: Logger) {
    // Closing cuts connections, which kafkajs takes for failures.
    const config = kafkajsConfigOf(connection, { warn: (message, fields) => this.closed || logger.warn(message, fields) })
    const { logCreator, ...rest } = config
    this.cluster = new Cluster({
      ...rest,
      // Enough to try each broker once: whoever asks goes on by a deadline of its own.
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: connection.brokers.length },
      logger: createLogger({ level: KAFKAJS_LOG_LEVEL, logCreator }),
      socketFactory: this.socketFactory,
      // A topic that is missing is told, not made with the broker's defaults.
      allowAutoTopicCreation: false,
      metadataMaxAge: 300_000,
      maxInFlightRequests: null,
    })
  }

  /** Connects and asks for the metadata of these topics, as `addTopics` does. Throws kafkajs' errors. */
  async open(topics: readonly string[]): Promise<void> {
    await this.cluster.connect()
    await this.addTopics(topics)
  }

  /**
   * Adds topics to those whose metadata are kept; asks again while one is unknown, until `heardWithinMs` have passed (default 2,000). Throws kafkajs' errors: one that is
   * `isUnknownTopic` where a topic stays unknown.
   */
  async addTopics(topics: readonly string[], options: { readonly heardWithinMs?: number } = {}): Promise<void> {
    const { heardWithinMs = HEARD_WITHIN_MS } = options
    for (const giveUpAtMs = monotonicMs() + heardWithinMs; ; await wait(HEARD_RETRY_MS)) {
      this.assertOpen()
      try {
        return await this.cluster.addMultipleTargetTopics(topics)
      } catch (error) {
        if (!isUnknownTopic(error) || monotonicMs() >= giveUpAtMs) throw error
      }
    }
  }

  /** Asks for the metadata again; calls at the same time share one request. */
  async refresh(): Promise<void> {
    this.assertOpen()
    this.refreshing ??= this.cluster.refreshMetadata().finally(() => {
      this.refreshing = undefined
    })
    await this.refreshing
  }

  /** Node that leads the partition, by the metadata at hand; undefined where there is none. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /** Number of partitions, by the metadata at hand; 0 for an unknown topic. */
  partitionCountOf(topic: string): number {
    return this.cluster.findTopicPartitionMetadata(topic).length
  }

  /** Sends a request to a node and resolves to the answer's bytes, header off. Throws kafkajs' errors. */
  async send(nodeId: number, { apiKey, apiVersion, apiName, body, timeoutMs, lane }: WireRequest): Promise<Buffer> {
    this.assertOpen()
    const broker = await this.cluster.findBroker({ nodeId })
    try {
      const connection = await broker.connectionPool.getConnection(lane === 'prompt' ? 0 : 1)
      const answer = await connection.send({
        request: { apiKey, apiVersion, apiName, encode: () => Promise.resolve(encoderOf(body)) },
        response: { decode: (payload) => Promise.resolve({ payload }), parse: (decoded) => Promise.resolve(decoded) },
        ...(timeoutMs === undefined ? {} : { requestTimeout: timeoutMs }),
      })
      return (answer as { readonly payload: Buffer }).payload
    } catch (error) {
      // What kafkajs' broker does where one is closed: the pool opens both connections anew at the next request. One that does not answer may be dead or out of
      // step for good, and is not waited for again either.
      if (error instanceof Error && BROKEN_CONNECTION.has(error.name)) await broker.disconnect()
      throw error
    }
  }

  /** A new producer id. Throws kafkajs' errors. */
  async newProducer(): Promise<ProducerIdentity> {
    this.assertOpen()
    const broker = await this.cluster.findControllerBroker()
    const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: 60_000 })
    return { producerId: BigInt(producerId), producerEpoch }
  }

  async close(): Promise<void> {
    this.closed = true
    try {
      // It would wait for the answers of long polls: their sockets end here instead.
      for (const socket of this.sockets) socket.destroy(new Error('closed'))
      await this.refreshing?.catch(() => undefined)
      await this.cluster.disconnect()
    } finally {
      for (const socket of this.sockets) socket.destroy()
    }
  }

  /** kafkajs would connect anew. */
  private assertOpen(): void {
    if (this.closed) throw new Error('the connections to Kafka are closed')
  }

  private readonly socketFactory: ISocketFactory = (options) => {
    const socket = openSocket(options)
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    // kafkajs tries again where a connection ends while it is being made.
    if (this.closed) socket.destroy(new Error('closed'))
    return socket
  }
}

/** What reading and producing need of it. */
export type Wire = Pick<KafkaWire, 'send' | 'refresh' | 'leaderOf' | 'newProducer'>

/** Kafka's name for an error code of its protocol, and whether the same request may succeed later. */
export function describeErrorCode(code: number): { readonly type: string; readonly retriable: boolean; readonly message: string } {
  const { type, retriable, message } = createErrorFromCode(code)
  return { type, retriable, message }
}

function encoderOf(body: Buffer): Encoder {
  const encoder = new Encoder()
  encoder.writeBufferInternal(body)
  return encoder
}
