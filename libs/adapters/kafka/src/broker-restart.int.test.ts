import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDevBroker, type DevBroker, type DevBrokerNode } from '@riskledger/dev-broker'
import kafkajs from 'kafkajs'
import { openKafkaLog, type KafkaLog } from './kafka-log'
import { madeTopics } from './testing/test-topics'

/** Three nodes of our own: a broker that others use must not be killed. */
let folder: string
let cluster: DevBroker
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-kafka-restart-'))
  cluster = await startDevBroker({ folder, nodes: 3 })
}, 240_000)

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

afterAll(async () => {
  await cluster?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const record = (i: number) => ({
  topic: 'payments' as const,
  partition: i % 2,
  brokerTimeMs: 1_700_000_000_000 + i,
  orderTimeMs: undefined,
  key: null,
  value: Buffer.from(String(i)),
})

/** Reads both partitions until it has so many records; each must be the next of its partition. */
async function readInOrder(log: KafkaLog, count: number, onProgress: (read: number) => Promise<void>): Promise<number[]> {
  const read: number[] = []
  await Promise.all(
    [0, 1].map(async (partition) => {
      const view = log.view()
      let fromOffset = 0
      while (read.length < count) {
        const response = await view.fetch({ topic: 'payments', partition, fromOffset, maxRecords: 50, maxBytes: 2 ** 20 })
        for (const { offset, value } of response.records) {
          expect(offset).toBe(fromOffset++)
          read.push(Number(Buffer.from(value).toString()))
        }
        fromOffset = response.nextOffset
        await onProgress(read.length)
        if (response.records.length === 0) await view.changed(100)
      }
    }),
  )
  return read
}

async function leaderOf(topic: string, partition: number): Promise<DevBrokerNode> {
  const admin = new kafkajs.Kafka({ brokers: [...cluster.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const leader = topics[0].partitions.find(({ partitionId }) => partitionId === partition)!.leader
    return cluster.nodes.find(({ id }) => id === leader)!
  } finally {
    await admin.disconnect()
  }
}

test('a leader is killed and comes back while records are appended and read: each is there once, in order', async () => {
  const count = 3_000
  const connection = await madeTopics(cluster.brokers, { partitionCount: 2, topics: ['payments'], replicationFactor: 3 })
  const log = await openKafkaLog({ connection, partitionCount: 2, topics: ['payments'] })
  closing.push(() => log.close())
  let appended = 0
  let restarted: Promise<void> | undefined
  const appending = (async () => {
    for (let i = 0; i < count; i += 20) {
      const offsets = await log.append(Array.from({ length: 20 }, (_, k) => record(i + k)))
      // Even ones go to partition 0, odd ones to partition 1.
      expect(offsets).toEqual(Array.from({ length: 20 }, (_, k) => Math.floor((i + k) / 2)))
      appended += 20
    }
  })()
  const restart = async (): Promise<void> => {
    const node = await leaderOf(`${connection.prefix}raw.payments`, 0)
    await node.kill()
    await node.start()
  }
  const reading = readInOrder(log, count, async (read) => {
    if (read >= 300) restarted ??= restart()
  })
  const [, read] = await Promise.all([appending, reading])
  await restarted
  expect(appended).toBe(count)
  expect([...read].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
}, 120_000)

test('all brokers are gone: append and fetch say that they may be tried again, and go on once the brokers are back', async () => {
  const connection = await madeTopics(cluster.brokers, { partitionCount: 2, topics: ['payments'], replicationFactor: 3 })
  const log = await openKafkaLog({
    connection,
    partitionCount: 2,
    topics: ['payments'],
    unavailableAfterMs: 1_500,
    deliveryTimeoutMs: 1_500,
  })
  closing.push(() => log.close())
  await log.append([record(0)])
  const fetch = (fromOffset: number) => log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords: 10, maxBytes: 1_000 })
  expect((await fetch(0)).nextOffset).toBe(1)
  await Promise.all(cluster.nodes.map((node) => node.kill()))
  // What was asked just before may still say that there is nothing; soon that is no proof any more.
  const unavailable = { code: 'log-unavailable', retriable: true }
  await expect(
    (async () => {
      for (;;) expect((await fetch(1)).records).toEqual([])
    })(),
  ).rejects.toMatchObject(unavailable)
  await expect(log.append([record(2)])).rejects.toMatchObject(unavailable)
  await expect(log.range('payments', 0)).rejects.toMatchObject(unavailable)
  await Promise.all(cluster.nodes.map((node) => node.start()))
  const again = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        expect(error).toMatchObject(unavailable)
      }
    }
  }
  // The one whose fate was unknown may be there or not; the next is there once.
  await again(() => log.append([record(4)]))
  const { end } = await again(() => log.range('payments', 0))
  const values: string[] = []
  for (let fromOffset = 1; fromOffset < end;) {
    const response = await again(() => fetch(fromOffset))
    values.push(...response.records.map(({ value }) => Buffer.from(value).toString()))
    fromOffset = response.nextOffset
  }
  expect(values.filter((value) => value === '4').length).toBeGreaterThanOrEqual(1)
  expect(values.filter((value) => value !== '2' && value !== '4')).toEqual([])
}, 120_000)
