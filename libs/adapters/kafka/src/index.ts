export { countPartitions } from './count-partitions'
export { openKafkaLog, type KafkaLog, type KafkaLogOptions } from './kafka-log'
export type { KafkaConnection, KafkaSasl, KafkaTls } from './kafka-connection'
export type { TopicLag } from './lag-report'
