import { randomUUID } from 'node:crypto'
import { findTestBroker, whyNoBroker } from '@riskledger/dev-broker'
import { Kafka, logLevel } from 'kafkajs'
import { readTopics } from './read-topics'

const SKIPPED = whyNoBroker()
const PREFIX = `read-${randomUUID().slice(0, 8)}`

let broker: Awaited<ReturnType<typeof findTestBroker>> | undefined
let brokers: readonly string[] = []
beforeAll(async () => {
  if (SKIPPED !== null) return
  broker = await findTestBroker()
  if (broker.kind === 'skipped') throw new Error(broker.reason)
  brokers = broker.brokers
}, 120_000)
afterAll(async () => {
  if (broker?.kind === 'found') await broker.close()
})

/** A topic that holds nothing but an aborted transaction and its marker. */
async function abortedTopic(name: string): Promise<string> {
  const topic = `${PREFIX}-${name}`
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 50, maxRetryTime: 500 } })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'not committed' }] })
    await transaction.abort()
  } finally {
    await producer.disconnect()
  }
  return topic
}

/** Values of a topic as it is read. */
async function valuesOf(topic: string, limitMs?: number): Promise<readonly string[]> {
  const values: string[] = []
  await readTopics({
    brokers,
    groupId: `${topic}-checker`,
    topics: [topic],
    onMessage: (_place, { value }) => values.push(String(value)),
    ...(limitMs === undefined ? {} : { limitMs }),
  })
  return values
}

const CASES: readonly (readonly [string, () => Promise<void>])[] = [
  [
    'a topic of nothing but an aborted transaction and its marker is read to its end',
    async () => expect(await valuesOf(await abortedTopic('aborted'))).toEqual([]),
  ],
  [
    'a topic that is not read to its end within the limit is named, with where reading stands',
    async () => {
      const topic = await abortedTopic('late')
      // No group is joined within no time.
      await expect(valuesOf(topic, 0)).rejects.toThrow(`after 0 ms there is still to be read: ${topic}/0, which ends at 2, from its start`)
    },
  ],
]

for (const [name, run] of CASES) {
  if (SKIPPED === null) test(name, run, 120_000)
  else test.skip(`${SKIPPED}: ${name}`, run)
}
