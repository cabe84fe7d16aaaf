import { RAW_TOPICS, type EventTopic, type RawTopic } from '@riskledger/contracts'
import type { QuarantineReason } from '../quarantine-reason'
import { EVENT_TOPICS, encodeRaw } from '../raw-events'
import { formatNdjsonLine } from '../ndjson'
import type { RawInputs } from '../generated/raw-registry'
import { uuidText } from '../text/uuid'
import { FULL_EVENTS, MINIMAL_EVENTS } from './sample-events'

/** A record on its way into the log, as it should not be. */
export interface MutatedRecord {
  readonly topic: RawTopic
  readonly key: Uint8Array | null
  readonly value: Uint8Array
  readonly brokerTimeMs: number
  /** To add to the partition that the key belongs to, modulo the partition count; 1 only where the mutation puts the record in the wrong one. */
  readonly partitionShift: 0 | 1
  /** Why it must be refused; `none` for a record left valid; null where chance decides. */
  readonly expected: QuarantineReason | 'none' | null
}

type Random = (below: number) => number
type Mutation = (record: MutatedRecord & { readonly topic: EventTopic }, random: Random) => Partial<MutatedRecord>

const textEncoder = new TextEncoder()
/** Where the account's length stands in a framed record: after the header and the event's id. */
const ACCOUNT_AT = 26

/** What turns a valid record into one that must be refused for the reason, by reason. */
const BY_REASON: { readonly [Reason in QuarantineReason]: Mutation } = {
  oversized: ({ value }, random) => ({ value: joined(value, new Uint8Array(65537 - value.length + random(100))) }),
  truncated: ({ value }, random) => ({ value: value.slice(0, random(value.length)) }),
  'unknown-framing': ({ value }, random) => ({ value: withByte(value, random(2), [0x00, 0x7b, 0xff][random(3)]) }),
  'unknown-schema': ({ value }, random) => {
    const at = 2 + random(8)
    return { value: withByte(value, at, value[at] ^ (1 + random(255))) }
  },
  'wrong-topic-schema': ({ topic }, random) => {
    const others = EVENT_TOPICS.filter((other) => other !== topic)
    return { value: encoded(others[random(others.length)], random) }
  },
  'invalid-utf8': ({ value }) => ({ value: withByte(value, ACCOUNT_AT + 2, 0xff) }),
  'trailing-bytes': ({ value }, random) => ({ value: joined(value, new Uint8Array(1 + random(9)).fill(random(256))) }),
  'too-many-items': (_record, random) => {
    const at = fieldAt('logins', { authMethods: ['password'] }, { authMethods: [] })
    const login = encodeRaw('logins', MINIMAL_EVENTS.logins)
    return { topic: 'logins', value: joined(login.slice(0, at), [0x82 + 2 * random(63), 0x01 + random(100)], login.slice(at + 1)) }
  },
  'invalid-value': (_record, random) => {
    const at = fieldAt('payments', { amountMinor: 0 }, { amountMinor: 1 })
    const payment = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, amountMinor: 0 })
    const amount = random(2) === 0 ? [2 * random(64) + 1] : [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    return { topic: 'payments', value: joined(payment.slice(0, at), amount, payment.slice(at + 1)) }
  },
  'unknown-enum': (_record, random) => {
    const at = fieldAt('payments', { kind: 'purchase' }, { kind: 'transfer' })
    return { topic: 'payments', value: withByte(encodeRaw('payments', MINIMAL_EVENTS.payments), at, 12 + random(116)) }
  },
  'missing-id': ({ value }, random) => {
    if (random(2) === 0) return { value: joined(value.slice(0, 10), new Uint8Array(16), value.slice(ACCOUNT_AT)) }
    return { value: joined(value.slice(0, ACCOUNT_AT), [0], value.slice(ACCOUNT_AT + 1 + value[ACCOUNT_AT] / 2)) }
  },
  'hostile-id': ({ value }, random) => ({ value: withByte(value, ACCOUNT_AT + 1 + random(value[ACCOUNT_AT] / 2), random(32)) }),
  'key-mismatch': (_record, random) => ({ key: random(4) === 0 ? null : textEncoder.encode(`other-${random(1000)}`) }),
  mispartitioned: () => ({ partitionShift: 1 }),
  'future-event': ({ topic }) => ({ value: encodeRaw(topic, { ...MINIMAL_EVENTS[topic], eventTimeMs: 3_787_000_000_000 }) }),
  'not-json': ({ topic }, random) => {
    const line = formatNdjsonLine(topic, MINIMAL_EVENTS[topic])
    return { topic: 'unparsable', key: null, value: textEncoder.encode(line.slice(0, 1 + random(line.length - 1))) }
  },
  'invalid-event': ({ topic }, random) => {
    const misnamed = formatNdjsonLine(topic, MINIMAL_EVENTS[topic]).replace('"source":', '"sourze":')
    const lines = ['[]', '7', '{}', '{"topic":"payments"}', `{"topic":"raw.${topic}","event":{"accountId":"a"}}`, misnamed]
    return { topic: 'unparsable', key: null, value: textEncoder.encode(lines[random(lines.length)]) }
  },
}

const REASONS = Object.keys(BY_REASON) as QuarantineReason[]

/**
 * A valid record, a record that must be refused for a reason that the seed chooses, or one damaged by chance; the same seed gives the same
 * record. Over a few hundred seeds every quarantine reason is met.
 */
export function mutateRecord(seed: number): MutatedRecord {
  const random = randomFrom(seed)
  const topic = EVENT_TOPICS[random(EVENT_TOPICS.length)]
  const valid = {
    topic,
    key: textEncoder.encode('a-0293'),
    value: encoded(topic, random),
    brokerTimeMs: 1_778_697_620_000,
    partitionShift: 0,
    expected: 'none',
  } as const
  const choice = random(40)
  if (choice === 0) return valid
  if (choice <= 20) {
    const reason = REASONS[random(REASONS.length)]
    return { ...valid, expected: reason, ...BY_REASON[reason](valid, random) }
  }
  if (choice <= 30) return { ...valid, value: damaged(valid.value, random), expected: null }
  if (choice <= 38) {
    const line = textEncoder.encode(formatNdjsonLine(topic, random(2) === 0 ? FULL_EVENTS[topic] : MINIMAL_EVENTS[topic]))
    return { ...valid, topic: 'unparsable', key: null, value: damaged(line, random), expected: null }
  }
  return {
    ...valid,
    topic: RAW_TOPICS[random(RAW_TOPICS.length)],
    value: Uint8Array.from({ length: random(300) }, () => random(256)),
    expected: null,
  }
}

/** A valid record of the topic with an id of its own. */
function encoded(topic: EventTopic, random: Random): Uint8Array {
  const eventId = uuidText(
    Uint8Array.from({ length: 16 }, () => 1 + random(255)),
    0,
  )
  return encodeRaw(topic, { ...(random(2) === 0 ? FULL_EVENTS[topic] : MINIMAL_EVENTS[topic]), eventId }).slice()
}

/** Some bytes changed, cut out, put in or repeated, one to four times. */
function damaged(value: Uint8Array, random: Random): Uint8Array {
  let result = value
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(result.length + 1)
    const to = Math.min(result.length, at + 1 + random(12))
    switch (random(5)) {
      case 0:
        result = at < result.length ? withByte(result, at, result[at] ^ (1 << random(8))) : result
        break
      case 1:
        result = at < result.length ? withByte(result, at, [0x00, 0x01, 0x7f, 0x80, 0xff][random(5)]) : result
        break
      case 2:
        result = joined(result.slice(0, at), result.slice(to))
        break
      case 3:
        result = joined(
          result.slice(0, at),
          Uint8Array.from({ length: 1 + random(12) }, () => random(256)),
          result.slice(at),
        )
        break
      default:
        result = joined(result.slice(0, to), result.slice(at))
    }
  }
  return result
}

/** Where a field's value stands in the topic's smallest record: the first byte in which two values of it differ. */
function fieldAt<Topic extends EventTopic>(topic: Topic, one: Partial<RawInputs[Topic]>, other: Partial<RawInputs[Topic]>): number {
  const a = encodeRaw(topic, { ...MINIMAL_EVENTS[topic], ...one })
  const b = encodeRaw(topic, { ...MINIMAL_EVENTS[topic], ...other })
  return a.findIndex((byte, index) => byte !== b[index])
}

function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function withByte(value: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = value.slice()
  copy[at] = byte
  return copy
}

/** Whole numbers below a bound, the same for the same seed (mulberry32; Tommy Ettinger, 2017). */
function randomFrom(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
