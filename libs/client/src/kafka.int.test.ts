import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { partitionFor } from '@riskledger/contracts'
import { findTestBroker, whyNoBroker, type TestBroker } from '@riskledger/dev-broker'
import { decodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { createTopics, openKafkaLog, topicSpecifications, type KafkaLog } from '@riskledger/kafka'
import { connectPublisher, memorySequences, type EventDraft } from './index'

const ROOT = join(__dirname, '..', '..', '..')
const run = promisify(execFile)
const { eventId: _id, source: _source, ...PAYMENT } = MINIMAL_EVENTS.payments
const DRAFT: EventDraft<'payments'> = PAYMENT

const skipped = whyNoBroker()

let broker: TestBroker | undefined
let prefix: string
let log: KafkaLog | undefined
beforeAll(async () => {
  if (skipped === null) broker = await findTestBroker()
}, 120_000)
afterAll(async () => {
  if (broker?.kind === 'found') await broker.close()
})
afterEach(async () => {
  await log?.close()
  log = undefined
})

function testWithBroker(name: string, run: () => Promise<void>): void {
  if (skipped === null) test(name, run)
  else test.skip(`${skipped}: ${name}`, run)
}

/** Brokers with fresh topics of three partitions. */
async function brokersWithTopics(): Promise<string[]> {
  if (broker?.kind !== 'found') throw new Error(broker?.reason ?? 'no broker was looked for')
  const { brokers } = broker
  prefix = `t${randomBytes(6).toString('hex')}.`
  const connection = { brokers, clientId: 'test', prefix }
  await createTopics({ connection, specifications: topicSpecifications({ prefix, partitionCount: 3, replicationFactor: 1 }) })
  log = await openKafkaLog({ connection, partitionCount: 3 })
  return brokers
}

/** Every payment in the log, by partition. */
async function payments(): Promise<readonly (readonly Record<string, unknown>[])[]> {
  return Promise.all(
    [0, 1, 2].map(async (partition) => {
      const found: Record<string, unknown>[] = []
      const { end } = await log!.range('payments', partition)
      for (let fromOffset = 0; fromOffset < end;) {
        const { records, nextOffset } = await log!.fetch({ topic: 'payments', partition, fromOffset, maxRecords: 1_000, maxBytes: 1e7 })
        fromOffset = nextOffset
        for (const { value } of records) {
          const decoded = decodeRaw('payments', value)
          if (decoded.kind === 'decoded') found.push(decoded.event as unknown as Record<string, unknown>)
        }
      }
      return found
    }),
  )
}

testWithBroker('events lie on Kafka where their accounts belong, numbered and in order', async () => {
  const brokers = await brokersWithTopics()
  const publisher = await connectPublisher({ brokers, prefix, source: 'shop', sequences: memorySequences(1) })
  const receipts = await Promise.all(
    Array.from({ length: 1_500 }, (_, i) => publisher.payments.publish({ ...DRAFT, accountId: `a-${i % 50}`, paymentId: `p-${i}` })),
  )
  await publisher.close()
  expect(receipts).toHaveLength(1_500)
  const found = await payments()
  expect(found.flat()).toHaveLength(1_500)
  found.forEach((events, partition) => {
    const numbers = events.map((event) => event['sourceSequence'] as number)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    for (const event of events) expect(partitionFor(Buffer.from(event['accountId'] as string), 3)).toBe(partition)
  })
  expect(receipts.every(({ partition, offset }, i) => found[partition][offset]['paymentId'] === `p-${i}`)).toBe(true)
})

testWithBroker('a bad event is refused before anything is sent', async () => {
  const brokers = await brokersWithTopics()
  const publisher = await connectPublisher({ brokers, prefix, source: 'shop' })
  await expect(publisher.payments.publish({ ...DRAFT, amountMinor: -1 })).rejects.toMatchObject({ code: 'input-rejected' })
  await publisher.close()
  expect((await payments()).flat()).toEqual([])
})

testWithBroker('examples/publish-kafka.ts publishes', async () => {
  const brokers = await brokersWithTopics()
  const register = join(ROOT, 'libs', 'runtime', 'register.cjs')
  const example = join(ROOT, 'examples', 'publish-kafka.ts')
  const { stdout } = await run(process.execPath, ['--require', register, example, brokers.join(','), prefix])
  const partition = partitionFor(Buffer.from('a-0293'), 3)
  expect(stdout).toBe(`login: logins/${partition}@0\npayment: payments/${partition}@0\npayment: payments/${partition}@1\n`)
  expect((await payments()).flat().map((event) => event['paymentId'])).toEqual(['pay-1', 'pay-2'])
})

test('brokers that are not there are said', async () => {
  await expect(connectPublisher({ brokers: ['127.0.0.1:1'], source: 'shop', connectionTimeoutMs: 200 })).rejects.toMatchObject({
    code: 'log-unavailable',
  })
})
