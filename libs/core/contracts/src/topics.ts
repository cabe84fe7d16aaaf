/**
 * The raw topics, in the fixed order that breaks ties in the merge.
 * `unparsable` is reserved: a line or row from which no event could be made is kept there byte for byte,
 * so that it too has a position and ends in the journal.
 */
export const RAW_TOPICS = [
  'payments',
  'logins',
  'p2p-trades',
  'risk-alerts',
  'liveness-results',
  'outcomes',
  'account-profiles',
  'case-actions',
  'answers',
  'unparsable',
] as const

/** One of the ten raw topics, without the `raw.` that it carries on Kafka. */
export type RawTopic = (typeof RAW_TOPICS)[number]

/** A raw topic whose records are Avro events of one schema: every topic but `unparsable`. */
export type EventTopic = Exclude<RawTopic, 'unparsable'>

/** The topics whose events get a verdict when they are screened; all others are observed. */
export type ScreenedTopic = 'payments' | 'logins' | 'p2p-trades'

/** What became of an input; each input has exactly one. */
export type InputStatus = 'screened' | 'observed' | 'late' | 'duplicate' | 'conflicting' | 'quarantined'

/** What is done with a screened event, mildest first. */
export type Verdict = 'allow' | 'challenge' | 'hold' | 'block'

const TOPIC_INDEXES: ReadonlyMap<RawTopic, number> = new Map(RAW_TOPICS.map((topic, index) => [topic, index]))

/** The topic's place in `RAW_TOPICS`, which is what columns and the log's keys carry. Throws `TypeError` for a name that is no topic. */
export function topicIndexOf(topic: RawTopic): number {
  const index = TOPIC_INDEXES.get(topic)
  if (index === undefined) throw new TypeError(`no such topic: ${String(topic)}`)
  return index
}
