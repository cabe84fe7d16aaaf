import { RAW_TOPICS, type Logger } from '@riskledger/contracts'
import { checkTopics, describeDifference, topicSpecifications, type KafkaConnection, type TopicDifference } from '@riskledger/kafka'

/** Where the raw topics of a cluster differ from what is needed. Throws `log-unavailable`. */
export function rawTopicDifferences(connection: KafkaConnection): Promise<readonly TopicDifference[]> {
  const all = topicSpecifications({ prefix: connection.prefix, partitionCount: 1, replicationFactor: 1 })
  const raw = new Set(RAW_TOPICS.map((topic) => `${connection.prefix}raw.${topic}`))
  return checkTopics({ connection, specifications: all.filter(({ topic }) => raw.has(topic)) })
}

/** Warns of each topic whose settings may take records before they are screened: one that is compacted, or kept for less time than is needed. Never rejects. */
export async function warnOfLosingTopics(differences: () => Promise<readonly TopicDifference[]>, logger: Logger): Promise<void> {
  try {
    for (const difference of await differences()) {
      if (!mayLose(difference)) continue
      const { topic, setting, found } = difference
      logger.warn(`records may be gone before they are screened: ${describeDifference(difference)}`, { topic, setting, value: found })
    }
  } catch (error) {
    // Who may read records need not be let to read settings.
    const reason = error instanceof Error ? error.message : String(error)
    logger.warn('the settings of the raw topics could not be looked at: riskledger topics check tells of them', { reason })
  }
}

function mayLose(difference: TopicDifference): difference is Extract<TopicDifference, { kind: 'setting' }> {
  if (difference.kind !== 'setting') return false
  const { setting, expected, found } = difference
  if (setting === 'cleanup.policy') return found.includes('compact')
  // -1 is for ever.
  return setting === 'retention.ms' && Number(found) >= 0 && Number(found) < Number(expected)
}
