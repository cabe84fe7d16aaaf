import { Kafka, logLevel, type Admin } from 'kafkajs'
import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

/** Moves what the group committed ahead, behind, and wipes it, in a drawn order, while nobody is in the group and records come in. */
export async function moveCommittedOffsets(house: ChaosHouse, choice: SeededChoice): Promise<void> {
  const { brokers } = house.options
  const topic = `${house.environment}raw.payments`
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 500 } }).admin()
  await admin.connect()
  try {
    for (const move of choice.shuffled(['ahead', 'behind', 'wiped'] as const)) {
      await house.pass(choice.whole(100, 400))
      await Promise.all(house.screeners.map((screener) => screener.end('SIGTERM')))
      await house.pass(300)
      await moveTo(admin, { move, topic, groupId: house.groupId })
      await house.startWhatIsDown()
    }
  } finally {
    await admin.disconnect()
  }
  await house.pass(300)
}

async function moveTo(
  admin: Admin,
  { move, topic, groupId }: { readonly move: 'ahead' | 'behind' | 'wiped'; readonly topic: string; readonly groupId: string },
): Promise<void> {
  if (move === 'wiped') return void (await admin.deleteGroups([groupId]))
  const ends = await admin.fetchTopicOffsets(topic)
  const partitions = ends.map(({ partition, low, high }) => ({ partition, offset: move === 'ahead' ? high : low }))
  await admin.setOffsets({ groupId, topic, partitions })
  const moved = (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions
  for (const { partition, offset } of partitions)
    if (moved.find((one) => one.partition === partition)?.offset !== offset) throw new Error(`the committed offsets did not move ${move}`)
}
