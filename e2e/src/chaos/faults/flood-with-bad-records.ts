import { Kafka, logLevel } from 'kafkajs'
import { partitionFor, type RawTopic } from '@riskledger/contracts'
import type { ChaosHouse } from '../chaos-house'
import { scenarioRecords, type ScenarioRecord } from '../scenario-records'
import type { SeededChoice } from '../seeded-choice'

/** Records of the flood; many times what is published beside it. */
const FLOOD_RECORDS = 20_000
const REQUEST_RECORDS = 1_000
const GARBAGE_BYTES = 200

/** A record of a flood, with the reason for which it must be refused. */
interface BadRecord extends Pick<ScenarioRecord, 'topic' | 'key' | 'value'> {
  readonly reason: RegExp
}

/** What was poured in. */
export interface Flood {
  /** By `<topic>@<offset>` in partition 0, why each must be quarantined. */
  readonly reasons: ReadonlyMap<string, RegExp>
}

/**
 * Pours bad records into partition 0 beside the good ones, as fast as the cluster takes them: garbage, values that were cut short, and good events of accounts
 * that belong elsewhere, some of them dated long ago, so that they would go first by their time.
 */
export async function floodWithBadRecords({ options, environment }: ChaosHouse, choice: SeededChoice): Promise<Flood> {
  const kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const reasons = new Map<string, RegExp>()
  const bad = badRecords(choice, options)
  await producer.connect()
  try {
    for (let sent = 0; sent < FLOOD_RECORDS; sent += REQUEST_RECORDS) {
      const byTopic = new Map<RawTopic, BadRecord[]>()
      for (let count = 0; count < REQUEST_RECORDS; count++) {
        const record = bad.next().value as BadRecord
        byTopic.set(record.topic, [...(byTopic.get(record.topic) ?? []), record])
      }
      for (const [topic, records] of byTopic) {
        const messages = records.map(({ key, value }) => ({ partition: 0, key, value }))
        const [{ baseOffset }] = await producer.send({ topic: `${environment}raw.${topic}`, acks: -1, messages })
        records.forEach(({ reason }, index) => reasons.set(`${topic}@${Number(baseOffset) + index}`, reason))
      }
    }
  } finally {
    await producer.disconnect()
  }
  return { reasons }
}

function* badRecords(choice: SeededChoice, { seed, partitionCount }: ChaosHouse['options']): Generator<BadRecord> {
  for (const { topic, key, value } of scenarioRecords({ seed: seed + 3_000_000, partitionCount })) {
    if (key === null || topic === 'unparsable') continue
    switch (choice.whole(0, 2)) {
      case 0:
        yield { topic, key, value: Buffer.from(Array.from({ length: GARBAGE_BYTES }, () => choice.whole(0, 255))), reason: /./ }
        break
      case 1:
        yield { topic, key, value: value.subarray(0, choice.whole(0, value.length - 1)), reason: /./ }
        break
      default:
        if (partitionFor(key, partitionCount) !== 0) yield { topic, key, value, reason: /^mispartitioned$/ }
    }
  }
}
