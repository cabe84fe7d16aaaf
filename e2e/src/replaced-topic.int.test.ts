import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { RAW_TOPICS, type ProposedRecord } from '@riskledger/contracts'
import { findTestBroker, whyNoBroker } from '@riskledger/dev-broker'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { screeningStream } from '@riskledger/journal'
import { openEventLog, type SharedEventLog } from '@riskledger/runtime'
import { startPartitionWorker } from '@riskledger/screener'
import { KeptLogger, MemoryLedger, NO_METRICS } from '@riskledger/testing'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { policyOf, workerOptions } from './pipeline-in-process'

const POLICY = policyOf(join(__dirname, '../../policies/default.yaml'))
const PREFIX = `replaced-${randomUUID().slice(0, 8)}.`

const SKIPPED = whyNoBroker()
const GUARANTEE =
  'a topic that was deleted and made anew with more records is refused by name; the one that the journal was made from goes on'

let broker: Awaited<ReturnType<typeof findTestBroker>> | undefined
let admin: Admin | undefined
const ledger = new MemoryLedger()

beforeAll(async () => {
  if (SKIPPED !== null) return
  broker = await findTestBroker()
  if (broker.kind === 'skipped') throw new Error(broker.reason)
  const connected = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }).admin()
  await connected.connect()
  admin = connected
  await admin.createTopics({
    waitForLeaders: true,
    topics: RAW_TOPICS.map((topic) => ({ topic: `${PREFIX}raw.${topic}`, numPartitions: 1 })),
  })
}, 120_000)

afterAll(async () => {
  await admin?.disconnect()
  if (broker?.kind === 'found') await broker.close()
})

function openLog(): Promise<SharedEventLog> {
  if (broker?.kind !== 'found') throw new Error('no broker')
  const connection = { brokers: broker.brokers, clientId: 'test', prefix: PREFIX }
  return openEventLog({ kind: 'kafka', connection }, { partitionCount: 1, access: 'write', logger: new KeptLogger(), metrics: NO_METRICS })
}

function payment(id: number): ProposedRecord {
  const eventId = `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
  const value = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, eventId, paymentId: `p-${id}` }).slice()
  return {
    topic: 'payments',
    partition: 0,
    brokerTimeMs: MINIMAL_EVENTS.payments.eventTimeMs,
    orderTimeMs: undefined,
    key: Buffer.from('a-0293'),
    value,
  }
}

/** Screens what is in the log up to this offset of payments, with what a worker began with. */
async function screenTo(log: SharedEventLog, end: number): Promise<void> {
  let idle: (offset: number) => void = () => undefined
  const reached = new Promise<void>((resolve) => (idle = (offset) => (offset >= end ? resolve() : undefined)))
  const worker = await startPartitionWorker(workerOptions({ log, ledger, policy: POLICY, onIdle: ([payments]) => idle(payments) }))
  await Promise.race([reached, worker.done])
  await worker.stop()
}

const tenures = (): number => ledger.entriesOf(screeningStream(0, 0)).filter(({ type }) => type === 'TenureBegan').length

async function refusesReplacedTopic(): Promise<void> {
  const log = await openLog()
  await log.append([1, 2, 3, 4].map(payment))
  await screenTo(log, 4)
  await log.append([5, 6].map(payment))
  await screenTo(log, 6)
  expect(tenures()).toBe(2)
  await log.close()

  if (admin === undefined) throw new Error('no broker')
  const topic = `${PREFIX}raw.payments`
  await admin.deleteTopics({ topics: [topic] })
  // Until the broker has forgotten it, a topic of that name is refused.
  while ((await admin.listTopics()).includes(topic)) await new Promise((resolve) => setImmediate(resolve))
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] })

  const another = await openLog()
  try {
    await another.append(Array.from({ length: 9 }, (_, id) => payment(id + 11)))
    await expect(screenTo(another, 9)).rejects.toMatchObject({
      code: 'log-replaced',
      retriable: false,
      context: { topic: 'payments', partition: 0, offset: 5, sequence: 6 },
    })
    expect(tenures()).toBe(2)
  } finally {
    await another.close()
  }
}

if (SKIPPED === null) test(GUARANTEE, refusesReplacedTopic, 120_000)
else test.skip(`${SKIPPED}: ${GUARANTEE}`, refusesReplacedTopic)
