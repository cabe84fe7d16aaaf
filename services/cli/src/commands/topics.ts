import { InvalidArgumentError, type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import {
  checkTopics,
  countPartitions,
  createTopics,
  describeDifference,
  topicSpecifications,
  type KafkaConnection,
} from '@riskledger/kafka'
import { EXIT } from '../exit-codes'
import { contextOf, type CommandContext, type Finish } from './command-context'

/** Partitions of topics that are made without saying how many. */
const DEFAULT_PARTITIONS = 4

interface TopicsFlags {
  readonly replication?: number
}

/** `riskledger topics create|check`: the topics of a cluster, as RiskLedger needs them. */
export function addTopics(program: Command, finish: Finish): void {
  const topics = program.command('topics').description('the topics of a Kafka cluster, as RiskLedger needs them')
  topics
    .command('create')
    .description('make the topics that are missing, and refuse where those that are there differ')
    .option('--partitions <n>', `partitions of each topic, fixed for good (default ${DEFAULT_PARTITIONS})`)
    .option('--replication <n>', 'copies of each partition (default 1; in production 3)', wholeNumber)
    .action(async ({ replication = 1 }: TopicsFlags, command: Command) => {
      const context = contextOf(command)
      const { partitions = DEFAULT_PARTITIONS } = context.settings
      const connection = clusterOf(context)
      const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: partitions, replicationFactor: replication })
      const made = await createTopics({ connection, specifications })
      const differences = await checkTopics({ connection, specifications })
      finish(tell(context, { made, differences: differences.map(describeDifference), topics: specifications.length, partitions }))
    })
  topics
    .command('check')
    .description('tell where the topics of a cluster differ from what RiskLedger needs; exits with 3 where they do')
    .option('--partitions <n>', 'partitions that each topic should have (default: as many as raw.payments has)')
    .option('--replication <n>', 'copies that each partition should have at least (default 1)', wholeNumber)
    .action(async ({ replication = 1 }: TopicsFlags, command: Command) => {
      const context = contextOf(command)
      const connection = clusterOf(context)
      const partitionCount = context.settings.partitions ?? (await countPartitions(connection))
      const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount, replicationFactor: replication })
      const differences = await checkTopics({ connection, specifications })
      finish(
        tell(context, {
          made: [],
          differences: differences.map(describeDifference),
          topics: specifications.length,
          partitions: partitionCount,
        }),
      )
    })
}

interface Outcome {
  readonly made: readonly string[]
  readonly differences: readonly string[]
  readonly topics: number
  readonly partitions: number
}

function tell(context: CommandContext, { made, differences, topics, partitions }: Outcome): number {
  if (context.json) context.printJson({ topics, partitions, made, differences })
  else {
    for (const topic of made) context.print(`made        ${topic}`)
    context.print(`topics      ${topics}, of ${partitions} partition${partitions === 1 ? '' : 's'} each, ${made.length} made now`)
    context.print(`differences ${differences.length === 0 ? 'none' : differences.length}`)
    for (const difference of differences) context.print(`  ${difference}`)
  }
  return differences.length === 0 ? EXIT.done : EXIT.faultFound
}

function clusterOf({ kafka }: CommandContext): KafkaConnection {
  if (kafka !== null) return kafka
  throw new RiskError('configuration-invalid', 'Name the cluster with --kafka host:port (or RISKLEDGER_KAFKA).', { retriable: false })
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 to 999.')
}
