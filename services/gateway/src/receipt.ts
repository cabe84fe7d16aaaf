import { createHash } from 'node:crypto'
import { partitionFor, type EventTopic, type ProposedRecord } from '@riskledger/contracts'
import { encodeRaw, type RawEvents } from '@riskledger/events'

/** Where an event lies in the log. */
export interface Receipt {
  readonly topic: EventTopic
  readonly partition: number
  readonly offset: number
  /** SHA-256 of the record's value, 64 lowercase hexadecimal digits. */
  readonly digest: string
}

/** A checked event as a record on its way into the log, keyed by its account as Kafka's Java client would. The bytes are its own. */
export function recordOf<Topic extends EventTopic>(
  topic: Topic,
  event: RawEvents[Topic],
  { partitionCount, nowMs }: { readonly partitionCount: number; readonly nowMs: number },
): ProposedRecord & { readonly topic: Topic } {
  const key = Buffer.from(event.accountId)
  return {
    topic,
    partition: partitionFor(key, partitionCount),
    brokerTimeMs: nowMs,
    orderTimeMs: undefined,
    key,
    value: encodeRaw(topic, event).slice(),
  }
}

/** SHA-256 of a record's value. */
export function digestOf({ value }: Pick<ProposedRecord, 'value'>): Buffer {
  return createHash('sha256').update(value).digest()
}

/** The receipt of a record that lies at an offset. */
export function receiptOf(record: ProposedRecord & { readonly topic: EventTopic }, offset: number): Receipt {
  return { topic: record.topic, partition: record.partition, offset, digest: digestOf(record).toString('hex') }
}
