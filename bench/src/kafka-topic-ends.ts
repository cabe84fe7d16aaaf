import { RAW_TOPICS } from '@riskledger/contracts'
import { openKafkaLog, type KafkaConnection } from '@riskledger/kafka'

/** The end offsets of all raw topics, `[partition][topic]`, as the broker tells them now. */
export async function topicEnds(connection: KafkaConnection, partitionCount: number): Promise<readonly (readonly number[])[]> {
  const log = await openKafkaLog({ connection, partitionCount })
  try {
    const endsOf = (partition: number): Promise<number[]> =>
      Promise.all(RAW_TOPICS.map(async (topic) => (await log.range(topic, partition)).end))
    return await Promise.all(Array.from({ length: partitionCount }, (_, partition) => endsOf(partition)))
  } finally {
    await log.close()
  }
}
