import assert from 'node:assert'
import {
  recordsOf,
  RiskError,
  type EventLog,
  type FetchRequest,
  type FetchResponse,
  type ProposedRecord,
  type RawTopic,
  type RecordColumns,
  type SourceProgress,
} from '@riskledger/contracts'
import type { ConfluentFraming } from './confluent-framing'
import type { IdempotentProducer } from './idempotent-producer'
import { clusterFailure, offsetOutOfRange } from './kafka-errors'
import type { KafkaReader, ReaderLimits } from './kafka-reader'
import { rawTopicName } from './raw-topic-name'
import type { ReadPartition } from './read-partition'

/** Where nothing is read, nobody can know whether something came: a wait ends after this long. */
const BLIND_WAIT_MS = 100

export interface KafkaLogViewOptions {
  readonly reader: KafkaReader
  readonly producer: IdempotentProducer
  /** Turns Confluent's framing into the single-object encoding; null: records are given as they are. */
  readonly framing: ConfluentFraming | null
  readonly prefix: string
  readonly topics: readonly RawTopic[]
  readonly partitionCount: number
  readonly limits: ReaderLimits
  /** The reader's clock. */
  readonly monotonicMs: () => number
  /** Called once it is closed. */
  readonly onClose?: () => void
}

/** One reader's side of a log on Kafka: what it reads, and what it waits for. */
export class KafkaLogView implements EventLog {
  readonly partitionCount: number
  private readonly reading = new Set<ReadPartition>()
  private readonly fetching = new Set<ReadPartition>()
  private readonly waiting = new Set<() => void>()
  /** Grows when something came to what is read here; `seen` is where the last wait ended. */
  private version = 0
  private seen = 0
  private closed = false

  constructor(private readonly options: KafkaLogViewOptions) {
    this.partitionCount = options.partitionCount
  }

  async append(records: readonly ProposedRecord[], progress?: SourceProgress): Promise<readonly number[]> {
    this.assertOpen()
    if (progress !== undefined)
      throw new RiskError('configuration-invalid', 'Files are imported into the embedded log: a log on Kafka keeps no progress of them.', {
        retriable: false,
      })
    const { producer, prefix, reader } = this.options
    const offsets = await producer.send(
      records.map(({ topic, partition, brokerTimeMs, key, value }) => {
        this.assertPlace(topic, partition)
        return { topic: rawTopicName(topic, prefix), partition, timeMs: brokerTimeMs, key, value }
      }),
    )
    // What was appended here is seen by the next fetch here, although a request that is on its way may not know of it.
    for (const { topic, partition } of records) reader.reading(rawTopicName(topic, prefix), partition)?.noteEnd(null, reader.requestNumber)
    this.arrived()
    return offsets
  }

  async appendColumns(columns: RecordColumns, progress?: SourceProgress): Promise<void> {
    await this.append(recordsOf(columns), progress)
  }

  async fetch(request: FetchRequest): Promise<FetchResponse> {
    this.assertOpen()
    const { topic, partition, fromOffset } = request
    this.assertPlace(topic, partition)
    assert(request.maxRecords >= 1, 'maxRecords must be at least 1')
    if (!Number.isSafeInteger(fromOffset) || fromOffset < 0)
      throw offsetOutOfRange({ topic, partition, offset: fromOffset }, await this.range(topic, partition))
    const read = this.read(request)
    assert(!this.fetching.has(read), `${topic}, partition ${partition}, is being fetched already`)
    this.fetching.add(read)
    try {
      // After an error it is asked again, but not before what was fetched ahead of the error is given out.
      if (read.buffer.nextOffset !== fromOffset || (read.error !== null && read.buffer.bytes === 0)) read.seek(fromOffset)
      return await this.fetchFrom(read, request)
    } finally {
      this.fetching.delete(read)
    }
  }

  async range(topic: RawTopic, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    this.assertOpen()
    this.assertPlace(topic, partition)
    const { reader, prefix } = this.options
    return reader.range(rawTopicName(topic, prefix), partition)
  }

  async sources(): Promise<readonly SourceProgress[]> {
    return []
  }

  async changed(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    this.assertOpen()
    if (this.version === this.seen && signal?.aborted !== true) {
      const waitMs = this.reading.size === 0 ? Math.min(timeoutMs, BLIND_WAIT_MS) : timeoutMs
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', finish)
          this.waiting.delete(finish)
          resolve()
        }
        const timer = setTimeout(finish, waitMs)
        signal?.addEventListener('abort', finish, { once: true })
        this.waiting.add(finish)
      })
    }
    this.seen = this.version
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    for (const partition of this.reading) {
      partition.listeners.delete(this.arrived)
      this.options.reader.release(partition)
    }
    for (const finish of [...this.waiting]) finish()
    this.options.onClose?.()
  }

  private readonly arrived = (): void => {
    this.version++
    for (const finish of [...this.waiting]) finish()
  }

  private async fetchFrom(read: ReadPartition, request: FetchRequest): Promise<FetchResponse> {
    const { reader, monotonicMs, limits, framing } = this.options
    const { topic, partition, fromOffset } = request
    const { answers } = read
    const giveUpAtMs = monotonicMs() + limits.unavailableAfterMs
    for (;;) {
      const { records, gaps, nextOffset } = await read.buffer.take(request)
      reader.schedule()
      const atEnd = nextOffset === fromOffset
      if (!atEnd || read.provenAtTail(monotonicMs()) || read.answeredAtTail(answers))
        return {
          // Where the registry is away the fetch is made again, and with it what was taken here.
          records: framing === null ? records : await framing.reframe(records),
          gaps,
          nextOffset,
          highWatermark: Math.max(read.stableEnd, nextOffset),
        }
      if (read.error !== null) throw read.error
      if (this.closed || reader.isClosed) throw closedMeanwhile()
      if (monotonicMs() >= giveUpAtMs)
        throw clusterFailure(`${topic}, partition ${partition}, could not be read for ${limits.unavailableAfterMs} ms`, {
          cause: read.lastFailure,
          context: { topic, partition, offset: fromOffset },
        })
      await nextNews(read, { timeoutMs: giveUpAtMs - monotonicMs(), scheduled: () => reader.schedule() })
    }
  }

  private read({ topic, partition, fromOffset }: FetchRequest): ReadPartition {
    const { reader, prefix } = this.options
    const kafkaTopic = rawTopicName(topic, prefix)
    const known = reader.reading(kafkaTopic, partition)
    if (known !== undefined && this.reading.has(known)) return known
    const read = reader.open({ topic, partition, kafkaTopic }, fromOffset)
    this.reading.add(read)
    read.listeners.add(this.arrived)
    return read
  }

  private assertPlace(topic: RawTopic, partition: number): void {
    assert(this.options.topics.includes(topic), `topic ${topic} is not one that this log was opened for`)
    assert(partition >= 0 && partition < this.partitionCount, `partition ${partition} of ${this.partitionCount}`)
  }

  private assertOpen(): void {
    if (this.closed || this.options.reader.isClosed) throw closedMeanwhile()
  }
}

/** Resolves when something becomes known of the partition, or after the timeout. */
function nextNews(
  read: ReadPartition,
  { timeoutMs, scheduled }: { readonly timeoutMs: number; readonly scheduled: () => void },
): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      read.waiters.delete(finish)
      resolve()
    }
    const timer = setTimeout(finish, timeoutMs)
    read.waiters.add(finish)
    // That somebody waits may be why it is asked for.
    scheduled()
  })
}

function closedMeanwhile(): RiskError {
  return new RiskError('cancelled', 'The log is closed.', { retriable: false })
}
