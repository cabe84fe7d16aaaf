import { encodeRaw } from '@riskledger/events'
import type { KafkaPublisher } from '@riskledger/kafka'
import type { Transport } from './delivery'

/** Publishes Avro to the raw topics, keyed by account. */
export function kafkaTransport(kafka: KafkaPublisher): Transport {
  return {
    async send(batch) {
      const messages = batch.map(({ topic, event }) => ({
        topic: `raw.${topic}`,
        key: Buffer.from(event.accountId),
        value: encodeRaw(topic, event).slice(),
      }))
      const positions = await kafka.publish(messages)
      return positions.map(({ partition, offset }, i) => ({ topic: batch[i].topic, partition, offset }))
    },
    close: () => kafka.close(),
  }
}
