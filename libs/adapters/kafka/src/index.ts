export { countPartitions } from './count-partitions'
export { openKafkaLog, type KafkaLog, type KafkaLogOptions } from './kafka-log'
export {
  openKafkaPublisher,
  type KafkaPublisher,
  type KafkaPublisherOptions,
  type PublishedMessage,
  type PublishedPosition,
} from './kafka-publisher'
export { openPublishedTail, type KafkaPublishedTail, type PublishedTailOptions } from './published-tail'
export type { KafkaConnection, KafkaSasl, KafkaTls } from './kafka-connection'
export type { SchemaRegistryOptions } from './schema-registry'
export type { TopicLag } from './lag-report'
export { topicSpecifications, type TopicSpecification, type TopicSpecificationsOptions } from './topic-specifications'
export {
  assertTopics,
  checkTopics,
  createTopics,
  describeDifference,
  type TopicAdministrationOptions,
  type TopicDifference,
} from './topic-administration'
export { joinScreenerGroup, type CommittedPosition, type ScreenerGroup, type ScreenerGroupOptions } from './screener-group'
