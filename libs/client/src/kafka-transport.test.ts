import { validateRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import type { PublishedMessage } from '@riskledger/kafka'
import { deliveryOf, type Outgoing } from './delivery'
import { DeliveryQueue } from './delivery-queue'
import { kafkaTransport } from './kafka-transport'

function outgoing(topic: 'payments' | 'logins'): Outgoing {
  const checked = validateRaw(topic, MINIMAL_EVENTS[topic])
  if (checked.kind !== 'accepted') throw new Error(`The sample for ${topic} is not as its schema says.`)
  return { topic, event: checked.event, bytes: 100 }
}

/** Kafka that notes the topics of each call. */
function fakeKafka(): { readonly calls: (readonly string[])[]; readonly kafka: Parameters<typeof kafkaTransport>[0] } {
  const calls: (readonly string[])[] = []
  const kafka = {
    publish: (messages: readonly PublishedMessage[]) => {
      calls.push(messages.map(({ topic }) => topic))
      return Promise.resolve(messages.map(({ topic }, i) => ({ topic, partition: 2, offset: i })))
    },
    close: () => Promise.resolve(),
  }
  return { calls, kafka }
}

test('sends the events of one topic at a time; the rest waits its turn', async () => {
  const { calls, kafka } = fakeKafka()
  const batch = (['payments', 'payments', 'logins', 'payments'] as const).map(outgoing)
  expect(await kafkaTransport(kafka).send(batch)).toEqual([
    { topic: 'payments', partition: 2, offset: 0 },
    { topic: 'payments', partition: 2, offset: 1 },
    null,
    null,
  ])
  expect(calls).toEqual([['raw.payments', 'raw.payments']])
})

test('an event never overtakes an earlier one of another topic', async () => {
  const { calls, kafka } = fakeKafka()
  const queue = new DeliveryQueue(kafkaTransport(kafka), deliveryOf({}))
  const topics = ['payments', 'logins', 'logins', 'payments'] as const
  const receipts = await Promise.all(topics.map((topic) => queue.deliver(outgoing(topic))))
  expect(receipts.map(({ topic }) => topic)).toEqual(topics)
  expect(calls).toEqual([['raw.payments'], ['raw.logins', 'raw.logins'], ['raw.payments']])
})
