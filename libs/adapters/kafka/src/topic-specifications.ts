import { RAW_TOPICS } from '@riskledger/contracts'
import { rawTopicName } from './raw-topic-name'

/** How a topic should be. */
export interface TopicSpecification {
  readonly topic: string
  readonly partitionCount: number
  readonly replicationFactor: number
  /** Settings by their names in Kafka, as Kafka writes their values. */
  readonly settings: Readonly<Record<string, string>>
}

export interface TopicSpecificationsOptions {
  /** Environment prefix before every name. */
  readonly prefix: string
  /** Partitions of every topic, 1 to 1024: fixed, since keys are spread by it and the journals are numbered by it. */
  readonly partitionCount: number
  /** Copies of every partition. In production 3. */
  readonly replicationFactor: number
  /** Whose time the records of raw topics carry. Default `LogAppendTime`: the broker's own, which no publisher can bend. */
  readonly timestampType?: 'LogAppendTime' | 'CreateTime'
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Longer than the dedupe horizon (7 days) and than any outage that is to be survived; the journal keeps the inputs for good. */
const RAW_RETENTION_MS = 14 * DAY_MS
/** Verdicts and refusals stand in the journal; downstream may fall behind by this much. */
const RISK_RETENTION_MS = 7 * DAY_MS
/** Kafka's own default: it bounds a *batch* as it is sent, not a record, and publishers send batches far over the 64 KiB of a record. */
const MAX_BATCH_BYTES = 1_048_588

/** The topics that RiskLedger needs: ten raw ones, and those on which it publishes verdicts and what it refused. */
export function topicSpecifications(options: TopicSpecificationsOptions): readonly TopicSpecification[] {
  const { prefix, partitionCount, replicationFactor, timestampType = 'LogAppendTime' } = options
  const settings = (retentionMs: number, type: string): Record<string, string> => ({
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    'message.timestamp.type': type,
    'max.message.bytes': String(MAX_BATCH_BYTES),
    // What is acknowledged survives the loss of a broker.
    'min.insync.replicas': String(Math.min(2, replicationFactor)),
  })
  const raw = RAW_TOPICS.map((topic) => ({ topic: rawTopicName(topic, prefix), settings: settings(RAW_RETENTION_MS, timestampType) }))
  const risk = ['risk.verdicts', 'risk.quarantine'].map((name) => ({
    topic: `${prefix}${name}`,
    settings: settings(RISK_RETENTION_MS, 'CreateTime'),
  }))
  return [...raw, ...risk].map((specification) => ({ ...specification, partitionCount, replicationFactor }))
}
