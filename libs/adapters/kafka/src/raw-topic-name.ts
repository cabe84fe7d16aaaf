import type { RawTopic } from '@riskledger/contracts'

/** Name of a raw topic on Kafka. */
export function rawTopicName(topic: RawTopic, prefix: string): string {
  return `${prefix}raw.${topic}`
}
