import { checkConnection, NO_LOGGER } from './kafka-connection'
import { describeErrorCode, KafkaWire, type ProducerIdentity } from './kafkajs-internals'
import { brokerOfTests } from './testing/broker-of-tests'
import { madeTopics } from './testing/test-topics'
import kafkajsPackage from 'kafkajs/package.json'

const brokers = brokerOfTests()

test('the internals of kafkajs are those that this package was written against', async () => {
  expect(kafkajsPackage.version).toBe('2.2.4')
  const connection = await madeTopics(await brokers(), { partitionCount: 3, topics: ['payments'] })
  const topic = `${connection.prefix}raw.payments`
  const wire = new KafkaWire(checkConnection(connection), NO_LOGGER)
  try {
    await wire.open([topic])
    expect(wire.partitionCountOf(topic)).toBe(3)
    expect(wire.partitionCountOf('nothing')).toBe(0)
    const leader = wire.leaderOf(topic, 2)!
    expect(leader).toBeGreaterThanOrEqual(0)
    expect(wire.leaderOf(topic, 3)).toBeUndefined()
    expect((await producerOf(wire)).producerId).toBeGreaterThanOrEqual(0n)
    // ApiVersions, version 0: an empty body, and an answer that begins with error code 0.
    const request = { apiKey: 18, apiVersion: 0, apiName: 'ApiVersions', body: Buffer.alloc(0) }
    for (const lane of ['prompt', 'waiting'] as const) expect((await wire.send(leader, { ...request, lane })).readInt16BE(0)).toBe(0)
    await expect(wire.send(leader + 77, { ...request, lane: 'prompt' })).rejects.toThrow()
    await wire.refresh()
  } finally {
    await wire.close()
  }
  await expect(wire.refresh()).rejects.toThrow('closed')
})

/** A broker that has just started loads its coordinator first. */
async function producerOf(wire: KafkaWire): Promise<ProducerIdentity> {
  for (;;) {
    try {
      return await wire.newProducer()
    } catch (error) {
      if ((error as { readonly retriable?: boolean }).retriable !== true) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

test('error codes have names, and say whether waiting helps', () => {
  expect(describeErrorCode(6)).toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION', retriable: true })
  expect(describeErrorCode(29)).toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED', retriable: false })
})
