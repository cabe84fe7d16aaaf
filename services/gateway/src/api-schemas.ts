import { Type, type TObject, type TSchema } from '@sinclair/typebox'
import type { EventTopic } from '@riskledger/contracts'
import { EVENT_TOPICS } from '@riskledger/events'
import { DEADLINE_MS, MAX_BATCH_EVENTS } from './gateway-options'
import { SCREENED_TOPICS } from './take-question'

/** A component of the API's description, by the name under which others refer to it. */
export type NamedSchema = TSchema & { readonly $id: string }

const uuid = Type.String({ format: 'uuid', examples: ['0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6'] })
const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])
const verdict = Type.Unsafe<string>({ type: 'string', enum: ['allow', 'challenge', 'hold', 'block'], description: 'Mildest first.' })
const screenedTopic = Type.Unsafe<string>({ type: 'string', enum: [...SCREENED_TOPICS] })
const score = Type.Integer({ minimum: 0, maximum: 1000 })
const reasonCodes = Type.Array(Type.String(), { description: 'Why, weightiest first.', examples: [['amount-deviation']] })
const count = Type.Integer({ minimum: 0 })

const receipt = Type.Object(
  {
    topic: Type.Unsafe<string>({ type: 'string', enum: [...EVENT_TOPICS] }),
    partition: count,
    offset: count,
    digest: Type.String({ pattern: '^[0-9a-f]{64}$', description: "SHA-256 of the record's value." }),
  },
  { $id: 'Receipt', description: 'Where an event lies in the log.' },
)

const decision = Type.Object(
  {
    eventId: uuid,
    topic: screenedTopic,
    kind: verdict,
    fallback: Type.Boolean({
      description: "True where the policy's fallback says so: no verdict in time, or an event too late to get one.",
    }),
    status: Type.Unsafe<string>({ type: 'string', enum: ['screened', 'late', 'pending'] }),
    scorePoints: nullable(score),
    reasonCodes,
    decisionId: nullable(uuid),
    partition: nullable(count),
    sequence: nullable(count),
    lateByMs: nullable(count),
    latencyMs: count,
    receipt: nullable(Type.Unsafe({ $ref: 'Receipt#' })),
  },
  { $id: 'Decision', description: 'What a caller is told. It is also published on the topic answers.' },
)

const recordedDecision = Type.Object(
  {
    eventId: uuid,
    topic: screenedTopic,
    status: Type.Unsafe<string>({ type: 'string', enum: ['screened', 'late', 'quarantined'] }),
    kind: nullable(verdict),
    scorePoints: score,
    reasonCodes,
    decisionId: nullable(uuid),
    partition: count,
    sequence: count,
    lateByMs: nullable(count),
    quarantineReason: nullable(Type.String()),
  },
  {
    $id: 'RecordedDecision',
    description: 'What the journal says of an event. `kind` is null for what got no verdict: late or quarantined.',
  },
)

const problem = Type.Object(
  {
    type: Type.String({ examples: ['urn:riskledger:problem:event-rejected'] }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Branch on it, not on the words.' }),
    detail: Type.String({ description: 'What was wrong, where, and what to do.' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ index: Type.Optional(count), field: Type.String(), code: Type.String(), reason: Type.String() }), {
        description: 'Everything that is wrong: which event of a batch, which field, and why.',
      }),
    ),
    retryAfterSeconds: Type.Optional(count),
  },
  { $id: 'Problem', description: 'RFC 9457.' },
)

const receipts = Type.Array(Type.Unsafe({ $ref: 'Receipt#' }), { $id: 'Receipts', description: 'In the order of the events.' })
const checked = Type.Object({ accepted: count }, { $id: 'Checked', description: 'How many events would be taken.' })

/** Every component: those of the API itself, and each topic's event. */
export function namedSchemas(events: Readonly<Record<EventTopic, TObject>>): readonly NamedSchema[] {
  const own = [receipt, receipts, checked, decision, recordedDecision, problem]
  return [...own, ...EVENT_TOPICS.map((topic) => ({ ...events[topic], $id: String(events[topic].title) }))] as NamedSchema[]
}

/** One event of a topic, or a list of up to 1,000. */
export function eventsBody(event: TObject): TSchema {
  const one = Type.Unsafe({ $ref: `${event.title}#` })
  return Type.Unsafe({ oneOf: [one, Type.Array(one, { minItems: 1, maxItems: MAX_BATCH_EVENTS })] })
}

/** An event and how long its caller waits. */
export function questionBody(events: Readonly<Record<EventTopic, TObject>>, defaultDeadlineMs: number): TSchema {
  const deadlineMs = Type.Optional(
    Type.Integer({ minimum: DEADLINE_MS.least, maximum: DEADLINE_MS.most, default: defaultDeadlineMs, 'x-unit': 'milliseconds' }),
  )
  return Type.Unsafe({
    oneOf: SCREENED_TOPICS.map((topic) =>
      Type.Object(
        { topic: Type.Literal(topic), event: Type.Unsafe({ $ref: `${events[topic].title}#` }), deadlineMs },
        { additionalProperties: false },
      ),
    ),
  })
}

/** The answers of a route: what goes well, and problems for all that does not. */
export function responses(good: Readonly<Record<number, string>>): Readonly<Record<string, TSchema>> {
  const entries = Object.entries(good).map(([status, name]) => [status, Type.Unsafe({ $ref: `${name}#` })] as const)
  return Object.fromEntries([...entries, ...['4XX', '5XX'].map((status) => [status, Type.Unsafe({ $ref: 'Problem#' })] as const)])
}
