import { Kafka, logLevel, type Admin, type Consumer, type TopicPartitionOffsetAndMetadata } from 'kafkajs'
import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

/** Moves what the group committed ahead, behind, and wipes it, in a drawn order, while nobody is in the group and records come in. */
export async function moveCommittedOffsets(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  const { brokers } = house.options
  const topic = `${house.environment}raw.payments`
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 500 } })
  const admin = kafka.admin()
  await admin.connect()
  try {
    for (const move of choice.shuffled(['ahead', 'behind', 'wiped'] as const)) {
      await house.pass(choice.whole(100, 400))
      await Promise.all(house.screeners.map((screener) => screener.end('SIGTERM')))
      await house.pass(300)
      await moveTo(kafka, { move, admin, topic, groupId: house.groupId })
      await house.startWhatIsDown()
    }
  } finally {
    await admin.disconnect()
  }
  await house.pass(300)
}

async function moveTo(
  kafka: Kafka,
  {
    move,
    admin,
    topic,
    groupId,
  }: { readonly move: 'ahead' | 'behind' | 'wiped'; readonly admin: Admin; readonly topic: string; readonly groupId: string },
): Promise<void> {
  if (move === 'wiped') return void (await admin.deleteGroups([groupId]))
  const ends = await admin.fetchTopicOffsets(topic)
  const offsets = ends.map(({ partition, low, high }) => ({ topic, partition, offset: move === 'ahead' ? high : low }))
  await commitAsMember(kafka.consumer({ groupId, maxWaitTimeInMs: 100 }), { topic, offsets })
  const moved = (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions
  for (const { partition, offset } of offsets)
    if (moved.find((one) => one.partition === partition)?.offset !== offset) throw new Error(`the committed offsets did not move ${move}`)
}

/** Joins the group, which nobody is in, commits for it and leaves. The admin client's own way pauses the topic, and then waits five seconds for a fetch of nothing. */
async function commitAsMember(
  consumer: Consumer,
  { topic, offsets }: { readonly topic: string; readonly offsets: TopicPartitionOffsetAndMetadata[] },
): Promise<void> {
  await consumer.connect()
  try {
    await consumer.subscribe({ topic })
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() })
    await consumer.commitOffsets(offsets)
  } finally {
    await consumer.disconnect()
  }
}
