import { RiskError } from '@riskledger/contracts'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure, isUnknownTopic } from './kafka-errors'
import { KafkaWire } from './kafkajs-internals'
import { rawTopicName } from './raw-topic-name'

/**
 * How many partitions the raw topics of a cluster have, told by the first of them; opening the log holds the others to it. Throws `configuration-invalid`
 * where there are no such topics, `log-unavailable` (retriable) where the cluster cannot be reached, or `signal` aborts meanwhile.
 */
export async function countPartitions(connection: KafkaConnection, signal?: AbortSignal): Promise<number> {
  const { brokers, prefix } = connection
  const name = rawTopicName('payments', prefix)
  const wire = new KafkaWire(checkConnection(connection), NO_LOGGER)
  // What closing fails with, the close at the end tells.
  const abandon = (): void => void wire.close().catch(() => undefined)
  signal?.addEventListener('abort', abandon)
  try {
    await wire.open([name])
    return wire.partitionCountOf(name)
  } catch (error) {
    if (error instanceof RiskError) throw error
    if (isUnknownTopic(error))
      throw new RiskError(
        'configuration-invalid',
        `The cluster at ${brokers.join(', ')} has no topic ${name}. Make the topics with riskledger topics create, or check --prefix.`,
        { retriable: false, cause: error, context: { topic: name } },
      )
    throw clusterFailure(`The Kafka cluster at ${brokers.join(', ')} could not be reached`, {
      cause: error,
      context: { brokers: brokers.join(',') },
    })
  } finally {
    signal?.removeEventListener('abort', abandon)
    await wire.close()
  }
}
