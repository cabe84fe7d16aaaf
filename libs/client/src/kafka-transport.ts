import { encodeRaw } from '@riskledger/events'
import type { KafkaPublisher } from '@riskledger/kafka'
import type { Transport } from './delivery'
import { firstRun } from './first-run'

/** Publishes Avro to the raw topics, keyed by account: a run of events of the same topic at a time. */
export function kafkaTransport(kafka: KafkaPublisher): Transport {
  return {
    async send(batch) {
      // Topics have different leaders, of which one may be faster: the others wait their turn, so as not to be there before these.
      const run = firstRun(batch)
      const messages = run.map(({ topic, event }) => ({
        topic: `raw.${topic}`,
        key: Buffer.from(event.accountId),
        value: encodeRaw(topic, event).slice(),
      }))
      const positions = await kafka.publish(messages)
      const receipts = positions.map(({ partition, offset }, i) => ({ topic: run[i].topic, partition, offset }))
      return [...receipts, ...batch.slice(run.length).map(() => null)]
    },
    close: () => kafka.close(),
  }
}
