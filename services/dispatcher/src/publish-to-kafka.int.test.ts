import { randomUUID } from 'node:crypto'
import { partitionFor } from '@riskledger/contracts'
import { findTestBroker } from '@riskledger/dev-broker'
import { createTopics, openKafkaPublisher, openPublishedTail, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { ID_HEADER } from './message-headers'
import type { OutgoingMessage, PublishedAt } from './publisher'
import { DispatcherBench } from './testing/dispatcher-bench'
import { MadeLedger, payment, type MadeInput } from './testing/made-ledger'

const PARTITIONS = 2
const INPUTS = 600
const broker = findTestBroker()

afterAll(async () => {
  const found = await broker
  if (found.kind === 'found') await found.close()
}, 60_000)

async function madeConnection(): Promise<KafkaConnection> {
  const found = await broker
  // Nothing here passes without a broker.
  if (found.kind === 'skipped') throw new Error(found.reason)
  const connection = { brokers: found.brokers, clientId: 'test', prefix: `test-${randomUUID().slice(0, 8)}.` }
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: PARTITIONS, replicationFactor: 1 })
  await createTopics({ connection, specifications: specifications.filter(({ topic }) => topic.includes('risk.')) })
  return connection
}

/** Inputs of accounts that belong on a partition, one in ten refused without an account. */
function inputsOf(partition: number, count: number): MadeInput[] {
  const accounts = Array.from({ length: 40 }, (_, index) => `a-${index}`).filter(
    (id) => partitionFor(Buffer.from(id), PARTITIONS) === partition,
  )
  return Array.from({ length: count }, (_, index) =>
    index % 10 === 9
      ? { topic: 'unparsable', body: Buffer.from(`line ${index}`), status: 'quarantined', reason: 'not-json' }
      : payment(accounts[index % accounts.length], index + 1, index % 50 === 0 ? 'hold' : 'allow'),
  )
}

test('a real broker takes every message, in order, and after a kill the same ones again', async () => {
  const connection = await madeConnection()
  const made = new MadeLedger()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await made.open(partition, PARTITIONS)
    for (let batch = 0; batch < 3; batch++) await made.screen(partition, inputsOf(partition, INPUTS / 3))
  }
  const bench = new DispatcherBench(made, PARTITIONS)
  const kept = new Map<string, { readonly id: string; readonly offset: number }[]>()
  const keep = (messages: readonly OutgoingMessage[], at: readonly PublishedAt[]): void =>
    messages.forEach(({ headers }, index) => {
      const { topic, partition, offset } = at[index]
      const held = kept.get(`${topic}/${partition}`) ?? []
      kept.set(`${topic}/${partition}`, [...held, { id: headers[ID_HEADER], offset }])
    })
  const idsOf = (topic: string): Set<string> =>
    new Set([0, 1].flatMap((partition) => (kept.get(`${topic}/${partition}`) ?? []).map(({ id }) => id)))
  const publisher = await openKafkaPublisher({ connection })
  try {
    const options = {
      callMessages: 100,
      publisher: {
        publish: async (messages: readonly OutgoingMessage[]) => {
          const at = await publisher.publish(messages)
          keep(messages, at)
          return at
        },
      },
    }
    const done = (): boolean => idsOf('risk.verdicts').size >= INPUTS * PARTITIONS
    let kills = 0
    for (let killAt = 4; await bench.run(done, { ...options, killAt }); killAt += 7) kills++
    expect(kills).toBeGreaterThan(1)
    expect(idsOf('risk.verdicts').size).toBe(INPUTS * PARTITIONS)
    expect(idsOf('risk.quarantine').size).toBe((INPUTS * PARTITIONS) / 10)
    for (const partition of [0, 1]) {
      const messages = kept.get(`risk.verdicts/${partition}`)!
      // What the broker holds is just what was published, in that order: its offsets have no holes.
      expect(messages.map(({ offset }) => offset)).toEqual(messages.map((_, index) => index))
      expect(messages.length - INPUTS).toBeLessThanOrEqual(kills * 101)
    }
  } finally {
    await publisher.close()
  }
}, 120_000)

test('a dispatcher that has lost its positions goes on from what stands on the topics', async () => {
  const connection = await madeConnection()
  const made = new MadeLedger()
  const screen = async (count: number): Promise<void> => {
    for (let partition = 0; partition < PARTITIONS; partition++) await made.screen(partition, inputsOf(partition, count))
  }
  for (let partition = 0; partition < PARTITIONS; partition++) await made.open(partition, PARTITIONS)
  await screen(300)
  const bench = new DispatcherBench(made, PARTITIONS)
  const publisher = await openKafkaPublisher({ connection })
  const tail = openPublishedTail({ connection })
  try {
    const ids: string[] = []
    const count = (): number => new Set(ids).size
    const options = {
      tail,
      callMessages: 50,
      publisher: {
        publish: async (messages: readonly OutgoingMessage[]) => {
          const at = await publisher.publish(messages)
          for (const { topic, headers } of messages) if (topic === 'risk.verdicts') ids.push(headers[ID_HEADER])
          return at
        },
      },
    }
    await bench.run(() => count() >= 2 * 300, options)
    expect(ids).toHaveLength(2 * 300)
    bench.positions.kept.clear()
    await screen(60)
    await bench.run(() => count() >= 2 * 360, options)
    expect(count()).toBe(2 * 360)
    // The last call of each journal came again, and nothing before it.
    expect(ids.length).toBeGreaterThan(2 * 360)
    expect(ids.length - 2 * 360).toBeLessThanOrEqual(2 * 50)
  } finally {
    await Promise.all([publisher.close(), tail.close()])
  }
}, 120_000)

test('a topic that is not there ends it by name', async () => {
  const connection = { ...(await madeConnection()), prefix: 'nobody-made-these.' }
  const made = new MadeLedger()
  await made.open(0)
  await made.screen(0, inputsOf(0, 3))
  const publisher = await openKafkaPublisher({ connection })
  try {
    await expect(new DispatcherBench(made).run(() => false, { publisher })).rejects.toMatchObject({ code: 'configuration-invalid' })
  } finally {
    await publisher.close()
  }
}, 120_000)
