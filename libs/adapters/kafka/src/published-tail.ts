import { setTimeout as wait } from 'node:timers/promises'
import { RiskError, type Logger } from '@riskledger/contracts'
import { ByteReader } from './byte-reader'
import { decompress, MAX_OPENED_BYTES } from './decompress'
import { decodeFetched, encodeFetch, FETCH } from './fetch-protocol'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure, isUnknownTopic } from './kafka-errors'
import { describeErrorCode, KafkaWire } from './kafkajs-internals'
import { LeaderMap } from './leader-map'
import { listRange } from './list-range'
import { monotonicMs } from './monotonic-ms'
import { BATCH_HEADER_BYTES, checksumsOf, readBatchHeader } from './record-batch'
import { readRecordHeaders } from './record-headers'

const UNAVAILABLE_AFTER_MS = 30_000
const RETRY_MS = 100
const FETCH_BYTES = 1024 * 1024

type Headers = Readonly<Record<string, string>>

export interface PublishedTailOptions {
  readonly connection: KafkaConnection
  /** Default: nothing is said. */
  readonly logger?: Logger
}

/** Reads back what was published last. */
export interface KafkaPublishedTail {
  /**
   * Headers of the newest messages of a topic's partition, oldest first, `maxMessages` offsets back at most; none where it holds none or does not exist. `topic`
   * is without the connection's prefix. Throws `log-unavailable` (retriable) and `log-corrupt`.
   */
  newest(topic: string, options: { readonly partition: number; readonly maxMessages: number }): Promise<readonly Headers[]>
  close(): Promise<void>
}

/** Connects when it is first asked, which for most who might ask is never. Throws `configuration-invalid` for settings. */
export function openPublishedTail({ connection, logger = NO_LOGGER }: PublishedTailOptions): KafkaPublishedTail {
  return new PublishedTailReader(new KafkaWire(checkConnection(connection), logger), { prefix: connection.prefix, logger })
}

class PublishedTailReader implements KafkaPublishedTail {
  private readonly leaders: LeaderMap
  private opening: Promise<void> | undefined

  constructor(
    private readonly wire: KafkaWire,
    private readonly options: { readonly prefix: string; readonly logger: Logger },
  ) {
    this.leaders = new LeaderMap(wire, { ...options, monotonicMs })
  }

  async newest(
    topic: string,
    { partition, maxMessages }: { readonly partition: number; readonly maxMessages: number },
  ): Promise<readonly Headers[]> {
    const kafkaTopic = `${this.options.prefix}${topic}`
    if (!(await this.isThere(kafkaTopic, partition))) return []
    const limits = { unavailableAfterMs: UNAVAILABLE_AFTER_MS }
    const { start, end } = await listRange({ wire: this.wire, leaders: this.leaders, monotonicMs, limits }, { kafkaTopic, partition })
    const found: Headers[] = []
    for (let at = Math.max(start, end - maxMessages); at < end;) {
      const batches = await this.fetch({ kafkaTopic, partition, fetchOffset: at })
      const { headers, nextOffset } = await headersIn(batches, { kafkaTopic, partition, from: at, to: end })
      found.push(...headers)
      at = nextOffset
    }
    return found
  }

  async close(): Promise<void> {
    await this.opening?.catch(() => undefined)
    await this.wire.close()
  }

  private async isThere(kafkaTopic: string, partition: number): Promise<boolean> {
    try {
      this.opening ??= this.wire.open([])
      await this.opening
      // Asked for each of its partitions: one that is missing would be waited for as often.
      await this.wire.addTopics([kafkaTopic], { heardWithinMs: 0 })
    } catch (error) {
      if (isUnknownTopic(error)) return false
      this.opening = undefined
      throw clusterFailure(`What was published to ${kafkaTopic} could not be looked at`, { cause: error, context: { topic: kafkaTopic } })
    }
    return partition < this.wire.partitionCountOf(kafkaTopic)
  }

  private async fetch(place: { readonly kafkaTopic: string; readonly partition: number; readonly fetchOffset: number }): Promise<Buffer> {
    const { kafkaTopic: topic, partition } = place
    const body = encodeFetch([{ topic, ...place }], { maxWaitMs: 0, maxBytes: FETCH_BYTES, maxBytesPerPartition: FETCH_BYTES })
    const giveUpAtMs = monotonicMs() + UNAVAILABLE_AFTER_MS
    for (;;) {
      try {
        const leader = this.leaders.of(place)
        if (leader === undefined) throw new Error('no node is known to lead it')
        const answer = decodeFetched(await this.wire.send(leader, { ...FETCH, body, lane: 'prompt' }))
        const errorCode = answer.errorCode === 0 ? answer.partitions[0].errorCode : answer.errorCode
        if (errorCode !== 0) throw new Error(describeErrorCode(errorCode).message)
        const { batches } = answer.partitions[0]
        // A leader that was just elected may not know yet that what it has is everybody's.
        if (batches.length === 0) throw new Error('its leader gives nothing yet')
        return batches
      } catch (error) {
        if (monotonicMs() >= giveUpAtMs)
          throw clusterFailure(`What was published to ${topic}, partition ${partition}, could not be read`, {
            cause: error,
            context: { topic, partition },
          })
        await this.leaders.refresh()
        await wait(RETRY_MS)
      }
    }
  }
}

/** What stands in a fetch of the offsets `[from, to)`, and where the next goes on. */
async function headersIn(
  batches: Buffer,
  {
    kafkaTopic,
    partition,
    from,
    to,
  }: { readonly kafkaTopic: string; readonly partition: number; readonly from: number; readonly to: number },
): Promise<{ readonly headers: readonly Headers[]; readonly nextOffset: number }> {
  const headers: Headers[] = []
  let nextOffset = from
  try {
    for (let at = 0; ;) {
      const batch = readBatchHeader(batches, at)
      if (batch === null) break
      const { carried, computed } = checksumsOf(batches, at, batch)
      if (carried !== computed) throw new RangeError(`the batch at offset ${batch.baseOffset} does not match its checksum`)
      const bytes = batches.subarray(at + BATCH_HEADER_BYTES, at + batch.bytes)
      const { compression } = batch
      const opened = compression === 0 ? bytes : await decompress(compression, { bytes, maxBytes: MAX_OPENED_BYTES })
      const reader = new ByteReader(opened)
      for (let left = batch.control ? 0 : batch.count; left > 0; left--) {
        const record = readRecordHeaders(reader, batch)
        if (record.offset >= from && record.offset < to) headers.push(record.headers)
      }
      at += batch.bytes
      nextOffset = Math.max(nextOffset, batch.endOffset)
    }
    if (nextOffset === from) throw new RangeError('a fetch brought no whole batch')
  } catch (error) {
    throw new RiskError(
      'log-corrupt',
      `What was published to ${kafkaTopic}, partition ${partition}, near offset ${nextOffset} cannot be read back: ${(error as Error).message}. Look at it with kafka-dump-log on the broker.`,
      { retriable: false, cause: error, context: { topic: kafkaTopic, partition, offset: nextOffset } },
    )
  }
  return { headers, nextOffset }
}
