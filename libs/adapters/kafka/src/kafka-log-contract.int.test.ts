import { findTestBroker } from '@riskledger/dev-broker'
import { describeEventLogContract } from '@riskledger/embedded-log'
import type { EventLog } from '@riskledger/contracts'
import { openKafkaLog } from './kafka-log'
import { madeTopics } from './testing/test-topics'

const broker = findTestBroker()

afterAll(async () => {
  const found = await broker
  if (found.kind === 'found') await found.close()
})

describeEventLogContract(
  'Kafka',
  async ({ partitionCount }) => {
    const found = await broker
    if (found.kind === 'skipped') throw new Error(found.reason)
    const connection = await madeTopics(found.brokers, partitionCount)
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
