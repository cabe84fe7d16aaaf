import { partitionFor, type EventTopic, type RawTopic } from '@riskledger/contracts'
import { encodeRaw, validateRaw, type RawInputs } from '@riskledger/events'
import { generateScenario } from '@riskledger/simulation'

/** A record as a publisher sends it. */
export interface ScenarioRecord {
  readonly topic: RawTopic
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer
  /** What it encodes, as JSON takes it; null for a line that is none. */
  readonly event: { readonly topic: EventTopic; readonly json: object } | null
}

/** Rounds follow each other in event time, so that nothing of a later one is late; past so many they begin anew, before they reach the present. */
const ROUNDS = 16
const ROUND_MS = 12 * 86_400_000

/** The events of a generated scenario as records, in its order, with its malformed lines among them: as many as are asked for, again from other accounts. */
export function* scenarioRecords({
  seed,
  partitionCount,
}: {
  readonly seed: number
  readonly partitionCount: number
}): Generator<ScenarioRecord> {
  for (let round = 0; ; round++) {
    for (const item of generateScenario({ seed: seed + round, accounts: 80, days: 10, oddities: 6 })) {
      if (item.kind === 'raw') {
        yield { topic: 'unparsable', partition: 0, key: null, value: Buffer.from(item.line), event: null }
        continue
      }
      const { topic } = item
      // Each round has accounts of its own, and so has each event's id.
      const json = { ...later(item.event, (round % ROUNDS) * ROUND_MS), accountId: `${round}-${item.event.accountId}` }
      const checked = validateRaw(topic, json)
      if (checked.kind === 'rejected') continue
      const key = Buffer.from(json.accountId)
      const value = Buffer.from(encodeRaw(topic, checked.event as RawInputs[typeof topic]))
      yield { topic, partition: partitionFor(key, partitionCount), key, value, event: { topic, json } }
    }
  }
}

/** Those of them that are events. */
export function* scenarioEvents(options: { readonly seed: number; readonly partitionCount: number }): Generator<ScenarioRecord> {
  for (const record of scenarioRecords(options)) if (record.event !== null) yield record
}

function later<Event extends object>(event: Event, byMs: number): Event {
  const shifted = Object.entries(event).map(([name, value]) => [
    name,
    typeof value === 'number' && /(Time|At)Ms$/.test(name) ? value + byMs : (value as unknown),
  ])
  return Object.fromEntries(shifted) as Event
}
