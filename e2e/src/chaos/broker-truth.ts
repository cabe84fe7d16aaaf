import { createHash } from 'node:crypto'
import { RAW_TOPICS } from '@riskledger/contracts'
import { readTopics } from './read-topics'

/** What a cluster holds of a topic and partition for a reader of committed records: the digest of each value by its offset. */
type PartitionTruth = ReadonlyMap<number, string>

/** What a cluster holds of every raw topic and partition, under `<topic>/<partition>`. */
export type BrokerTruth = ReadonlyMap<string, PartitionTruth>

/** Reads every record of the raw topics, up to the offsets at which they end now. */
export async function readBrokerTruth({
  prefix,
  ...options
}: {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly groupId: string
}): Promise<BrokerTruth> {
  const truth = new Map<string, Map<number, string>>()
  const placeOf = (topic: string, partition: number): string => `${topic.slice(`${prefix}raw.`.length)}/${partition}`
  await readTopics({
    ...options,
    topics: RAW_TOPICS.map((topic) => `${prefix}raw.${topic}`),
    onPartition: (topic, partition) => truth.set(placeOf(topic, partition), new Map()),
    onMessage: ({ topic, partition, offset }, { value }) => {
      const digest = createHash('sha256')
        .update(value ?? '')
        .digest('hex')
      truth.get(placeOf(topic, partition))!.set(offset, digest)
    },
  })
  return truth
}
