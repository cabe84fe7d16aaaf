import { setTimeout as wait } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { RiskError, type Logger } from '@riskledger/contracts'
import { checkConnection, NO_LOGGER, type KafkaConnection } from './kafka-connection'
import { clusterFailure } from './kafka-errors'
import { kafkajsConfigOf } from './kafkajs-config'
import type { TopicSpecification } from './topic-specifications'

/** kafkajs' number for a topic in requests about settings. */
const TOPIC_RESOURCE = 2
const LEADER_ATTEMPTS = 100
const LEADER_RETRY_MS = 100

export interface TopicAdministrationOptions {
  readonly connection: KafkaConnection
  readonly specifications: readonly TopicSpecification[]
  readonly logger?: Logger
}

/** One way in which a cluster is not as it should be. */
export type TopicDifference =
  | { readonly kind: 'missing'; readonly topic: string }
  | { readonly kind: 'partition-count' | 'replication-factor'; readonly topic: string; readonly expected: number; readonly found: number }
  | { readonly kind: 'setting'; readonly topic: string; readonly setting: string; readonly expected: string; readonly found: string }

/**
 * Makes the topics that are missing, and leaves those alone that are there, however they are; returns the names of those made. Throws
 * `log-unavailable`, and `configuration-invalid` where the cluster refuses them.
 */
export async function createTopics({ connection, specifications, logger }: TopicAdministrationOptions): Promise<readonly string[]> {
  return administer(connection, { logger }, async (admin) => {
    const there = new Set(await admin.listTopics())
    const missing = specifications.filter(({ topic }) => !there.has(topic))
    if (missing.length === 0) return []
    await admin.createTopics({
      // kafkajs' own wait takes a broker that has not heard of the topic yet for a failure.
      waitForLeaders: false,
      topics: missing.map(({ topic, partitionCount, replicationFactor, settings }) => ({
        topic,
        numPartitions: partitionCount,
        replicationFactor,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      })),
    })
    const made = missing.map(({ topic }) => topic)
    await untilLed(admin, made)
    return made
  })
}

/** Resolves once the cluster names a leader for every partition. */
async function untilLed(admin: Admin, topics: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await admin.fetchTopicMetadata({ topics: [...topics] })
      if (found.topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))) return
      if (attempt === LEADER_ATTEMPTS) throw new Error('partitions of new topics have no leader')
    } catch (error) {
      if (attempt >= LEADER_ATTEMPTS) throw error
    }
    await wait(LEADER_RETRY_MS)
  }
}

/** Every difference between the cluster and the specifications, in their order; none: it is as it should be. Throws `log-unavailable`. */
export async function checkTopics({ connection, specifications, logger }: TopicAdministrationOptions): Promise<readonly TopicDifference[]> {
  return administer(connection, { logger }, async (admin) => {
    const there = new Set(await admin.listTopics())
    const found = specifications.map(({ topic }) => topic).filter((topic) => there.has(topic))
    if (found.length === 0) return specifications.map(({ topic }) => ({ kind: 'missing', topic }))
    const { topics } = await admin.fetchTopicMetadata({ topics: found })
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: found.map((name) => ({ type: TOPIC_RESOURCE, name })),
    })
    return specifications.flatMap((specification): TopicDifference[] => {
      const { topic, partitionCount, replicationFactor, settings } = specification
      const partitions = topics.find(({ name }) => name === topic)?.partitions
      if (partitions === undefined) return [{ kind: 'missing', topic }]
      const differences: TopicDifference[] = []
      if (partitions.length !== partitionCount)
        differences.push({ kind: 'partition-count', topic, expected: partitionCount, found: partitions.length })
      const replicas = Math.min(...partitions.map(({ replicas }) => replicas.length))
      if (replicas < replicationFactor)
        differences.push({ kind: 'replication-factor', topic, expected: replicationFactor, found: replicas })
      const entries = resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? []
      for (const [setting, expected] of Object.entries(settings)) {
        const value = entries.find(({ configName }) => configName === setting)?.configValue ?? ''
        if (value !== expected) differences.push({ kind: 'setting', topic, setting, expected, found: value })
      }
      return differences
    })
  })
}

/** Throws `configuration-invalid` that names each difference and what to do about it; resolves where there is none. */
export async function assertTopics(options: TopicAdministrationOptions): Promise<void> {
  const differences = await checkTopics(options)
  if (differences.length === 0) return
  throw new RiskError(
    'configuration-invalid',
    `The Kafka cluster at ${options.connection.brokers.join(', ')} is not as it should be:\n${differences.map((difference) => `- ${describeDifference(difference)}`).join('\n')}`,
    { retriable: false, context: { differences: differences.length } },
  )
}

/** The difference in words, and what to do about it. */
export function describeDifference(difference: TopicDifference): string {
  const { topic } = difference
  switch (difference.kind) {
    case 'missing':
      return `${topic} is missing: make it with riskledger topics create.`
    case 'partition-count':
      return `${topic} has ${difference.found} partitions instead of ${difference.expected}: name the number that it has, or move to new topics; it cannot be changed in place, since keys are spread by it.`
    case 'replication-factor':
      return `${topic} has ${difference.found} replicas instead of ${difference.expected}: raise it with kafka-reassign-partitions.`
    case 'setting':
      return `${topic} has ${difference.setting}=${difference.found} instead of ${difference.expected}: kafka-configs --alter --entity-type topics --entity-name ${topic} --add-config ${difference.setting}=${difference.expected}.`
    default:
      return difference satisfies never
  }
}

async function administer<T>(
  connection: KafkaConnection,
  { logger = NO_LOGGER }: { readonly logger: Logger | undefined },
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new kafkajs.Kafka(kafkajsConfigOf(checkConnection(connection), logger)).admin()
  try {
    await admin.connect()
    return await work(admin)
  } catch (error) {
    throw failureOf(error, connection)
  } finally {
    await admin.disconnect()
  }
}

function failureOf(error: unknown, { brokers }: KafkaConnection): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'KafkaJSAggregateError' && 'errors' in error) {
    const refusals = (error.errors as readonly (Error & { readonly topic?: string })[]).map(({ topic, message }) => `${topic}: ${message}`)
    return new RiskError('configuration-invalid', `The Kafka cluster refuses topics: ${refusals.join('; ')}.`, {
      retriable: false,
      cause: error,
    })
  }
  return clusterFailure(`The topics of the Kafka cluster at ${brokers.join(', ')} could not be looked at`, {
    cause: error,
    context: { brokers: brokers.join(',') },
  })
}
