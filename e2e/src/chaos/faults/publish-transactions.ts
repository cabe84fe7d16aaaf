import { Kafka, logLevel } from 'kafkajs'
import type { ChaosHouse } from '../chaos-house'
import { scenarioRecords, type ScenarioRecord } from '../scenario-records'

const TRANSACTIONS = 8
const RECORDS = 20

let publishers = 0

/** Publishes transactions beside everything else, every second of which is aborted. Returns how many records were aborted. */
export async function publishTransactions(house: ChaosHouse): Promise<number> {
  const { brokers, seed, partitionCount } = house.options
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 50, maxRetryTime: 500 } })
  const number = publishers++
  const producer = kafka.producer({
    transactionalId: `${house.environment}transactions-${number}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  try {
    const records = scenarioRecords({ seed: seed + 2_000_000 + number * 100, partitionCount })
    for (let round = 0; round < TRANSACTIONS; round++) {
      const transaction = await producer.transaction()
      for (let count = 0; count < RECORDS; count++) {
        const { topic, partition, key, value } = records.next().value as ScenarioRecord
        await transaction.send({ topic: `${house.environment}raw.${topic}`, messages: [{ partition, key, value }] })
      }
      await (round % 2 === 0 ? transaction.commit() : transaction.abort())
    }
  } finally {
    await producer.disconnect()
  }
  return (TRANSACTIONS / 2) * RECORDS
}
