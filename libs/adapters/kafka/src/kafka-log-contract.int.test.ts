import { describeEventLogContract } from '@riskledger/embedded-log'
import type { EventLog } from '@riskledger/contracts'
import { openKafkaLog } from './kafka-log'
import { brokerOfTests } from './testing/broker-of-tests'
import { madeTopics } from './testing/test-topics'

const brokers = brokerOfTests()

describeEventLogContract(
  'Kafka',
  async ({ partitionCount }) => {
    const connection = await madeTopics(await brokers(), { partitionCount })
    const logs: EventLog[] = []
    const open = async (): Promise<EventLog> => {
      const log = await openKafkaLog({ connection, partitionCount })
      logs.push(log)
      return log
    }
    return {
      log: await open(),
      openAnother: open,
      dispose: async () => {
        await Promise.all(logs.map((log) => log.close()))
      },
    }
  },
  { progress: false },
)
