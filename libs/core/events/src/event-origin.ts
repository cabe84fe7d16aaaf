import type { EventTopic, RawTopic } from '@riskledger/contracts'
import { AvroReader } from './avro/avro-reader'
import { HEADER_BYTES, hasHeader } from './avro/single-object'
import { EVENT_TOPICS, isEventTopic, MAX_RECORD_BYTES, rawHeader } from './raw-events'
import { hasFormat } from './text/format'
import { isHostile } from './text/token'

/** Whose an event is and where it comes from, as far as its bytes tell; of a refused event it is a claim. */
export interface EventOrigin {
  /** The topic that its schema, or its line, names; null where neither can be read. */
  readonly topic: EventTopic | null
  readonly eventId: string | null
  readonly accountId: string | null
  /** Epoch milliseconds. */
  readonly eventTimeMs: number | null
  readonly source: string | null
}

const NOWHERE: EventOrigin = { topic: null, eventId: null, accountId: null, eventTimeMs: null, source: null }
const HEADERS = new Map(EVENT_TOPICS.map((topic) => [topic, rawHeader(topic)]))
const MAX_TIME_MS = 253_402_300_799_999
const MAX_TOKEN_BYTES = 128

const reader = new AvroReader()
const decoder = new TextDecoder('utf-8')

/**
 * Reads what every event begins with, also of a value that is refused further on, is an event of another topic, or is a line on `unparsable`.
 * Never throws; what is missing, hostile or damaged is null, and so is everything after it.
 */
export function readOrigin(topic: RawTopic, value: Uint8Array): EventOrigin {
  if (topic === 'unparsable') return originOfLine(value)
  if (hasHeader(value, HEADERS.get(topic)!)) return originOfRecord(topic, value)
  const other = EVENT_TOPICS.find((one) => hasHeader(value, HEADERS.get(one)!))
  return other === undefined ? NOWHERE : originOfRecord(other, value)
}

/** Every raw schema begins with the same fields. */
function originOfRecord(topic: EventTopic, value: Uint8Array): EventOrigin {
  reader.reset(value, HEADER_BYTES, value.length)
  const eventId = told(reader.uuid('eventId'))
  const accountId = told(reader.token('accountId', MAX_TOKEN_BYTES, true))
  const eventTimeMs = told(reader.integer('eventTimeMs', 0, MAX_TIME_MS))
  const source = told(reader.token('source', MAX_TOKEN_BYTES, true))
  return { topic, eventId, accountId, eventTimeMs, source }
}

function told<T>(field: T): T | null {
  return reader.failure === null ? field : null
}

function originOfLine(line: Uint8Array): EventOrigin {
  if (line.length > MAX_RECORD_BYTES) return NOWHERE
  const { topic, event } = membersOf(parse(decoder.decode(line)))
  const { eventId, accountId, eventTimeMs, source } = membersOf(event)
  return {
    topic: isEventTopic(topic) ? topic : null,
    eventId: typeof eventId === 'string' && hasFormat('uuid', eventId) ? eventId : null,
    accountId: tokenOrNull(accountId),
    eventTimeMs: isTime(eventTimeMs) ? eventTimeMs : null,
    source: tokenOrNull(source),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function membersOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TIME_MS
}

function tokenOrNull(value: unknown): string | null {
  if (typeof value !== 'string' || value === '' || isHostile(value)) return null
  return Buffer.byteLength(value) <= MAX_TOKEN_BYTES ? value : null
}
