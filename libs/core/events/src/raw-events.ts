import { RAW_TOPICS, RiskError, type EventTopic } from '@riskledger/contracts'
import { AvroReader } from './avro/avro-reader'
import { AvroWriter } from './avro/avro-writer'
import type { EventCodec } from './avro/event-codec'
import { HEADER_BYTES, hasHeader, headerOf, readFramed } from './avro/single-object'
import { NEW_VIEWS, RAW_CODECS, type RawEvents, type RawInputs, type RawViews } from './generated/raw-registry'
import { SCHEMA_ARTIFACTS } from './generated/schema-artifacts'
import type { Validation } from './json/problem'
import type { QuarantineReason } from './quarantine-reason'
import { toHex } from './text/hex'
import { RELEASED_WRITERS, type WriterSchemas } from './writer-schemas'

/** Largest record on a raw topic, framing included: 64 KiB. */
export const MAX_RECORD_BYTES = 65536

/** Every raw topic that carries events: all but `unparsable`. */
export const EVENT_TOPICS: readonly EventTopic[] = RAW_TOPICS.filter((topic): topic is EventTopic => topic !== 'unparsable')

/** What became of a record's value: its event, or why it is none. */
export type Decoded<Event> =
  | { readonly kind: 'decoded'; readonly event: Event }
  | { readonly kind: 'rejected'; readonly reason: QuarantineReason; readonly detail: string }

/** What may be read besides records of the current schemas. */
export interface DecodeOptions {
  /** Default: every released schema that differs from the current one. */
  readonly writers?: WriterSchemas
}

interface TopicEncoding {
  readonly codec: EventCodec<unknown, unknown>
  readonly header: Uint8Array
}

const ENCODINGS = Object.fromEntries(
  EVENT_TOPICS.map((topic) => [topic, { codec: RAW_CODECS[topic] as EventCodec<unknown, unknown>, header: headerOf(RAW_CODECS[topic]) }]),
) as Readonly<Record<EventTopic, TopicEncoding>>

const reader = new AvroReader()

/** The ten bytes with which every record of a raw topic begins. */
export function rawHeader(topic: EventTopic): Uint8Array {
  return ENCODINGS[topic].header.slice()
}

/** True for the name of a raw topic that carries events. */
export function isEventTopic(name: unknown): name is EventTopic {
  return (EVENT_TOPICS as readonly unknown[]).includes(name)
}

/**
 * Decodes the value of a record of a raw topic: an Avro single-object encoding of that topic's schema. Never throws, whatever the bytes;
 * looks at size and framing first and holds every length and count to its limit before it reads what they announce. The event has every
 * field, absent optionals null, and holds no view of the bytes. A record of one of the `writers`' schemas, by default the released ones, is read too.
 */
export function decodeRaw<Topic extends EventTopic>(
  topic: Topic,
  value: Uint8Array,
  { writers = RELEASED_WRITERS }: DecodeOptions = {},
): Decoded<RawEvents[Topic]> {
  const encoding = ENCODINGS[topic]
  if (value.length > MAX_RECORD_BYTES) {
    return { kind: 'rejected', reason: 'oversized', detail: `the record has ${value.length} bytes; the limit is ${MAX_RECORD_BYTES}` }
  }
  let current = value
  if (!hasHeader(value, encoding.header)) {
    const brought = isFramed(value) ? writers.bring(topic, value) : null
    if (brought === null) return refuseFraming(topic, value)
    if (brought.kind === 'rejected') return brought
    current = brought.value
  }
  const event = readFramed(reader, current, encoding.codec.read)
  if (event === null) return { kind: 'rejected', reason: reader.failure ?? 'invalid-value', detail: reader.detail }
  return { kind: 'decoded', event: event as RawEvents[Topic] }
}

/**
 * Decodes like `decodeRaw`, but into one view for each topic, reused from record to record: nothing is allocated, and no token becomes text before
 * somebody asks for it. For loops over many records; `decodeRaw` is the simple way.
 */
export class EventViews {
  private readonly reader = new AvroReader()
  private readonly views = Object.fromEntries(EVENT_TOPICS.map((topic) => [topic, NEW_VIEWS[topic]()])) as unknown as RawViews
  private readonly writers: WriterSchemas

  constructor({ writers = RELEASED_WRITERS }: DecodeOptions = {}) {
    this.writers = writers
  }

  /**
   * The event of the record `bytes[from, to)`, by default all of them, until the next call for the same topic; null where `decodeRaw` rejects it,
   * which says why. The view's `bytes` are these, or those of the record brought to the current schema.
   */
  read<Topic extends EventTopic>(topic: Topic, bytes: Uint8Array, from = 0, to = bytes.length): RawViews[Topic] | null {
    if (to - from > MAX_RECORD_BYTES || to - from < HEADER_BYTES) return null
    if (!hasHeader(bytes, ENCODINGS[topic].header, from)) return this.readOther(topic, bytes.subarray(from, to))
    const { reader } = this
    const view = this.views[topic]
    reader.reset(bytes, from + HEADER_BYTES, to)
    view.read(reader)
    reader.finish()
    return reader.failure === null ? view : null
  }

  /** Apart, so that the common case stays small. What is brought has the current header, so this does not go round. */
  private readOther<Topic extends EventTopic>(topic: Topic, value: Uint8Array): RawViews[Topic] | null {
    const brought = isFramed(value) ? this.writers.bring(topic, value) : null
    return brought?.kind === 'current' ? this.read(topic, brought.value) : null
  }
}

/**
 * The event time of a record without a look at what comes after it; null where there is none to read: a wrong header, or bytes that do not
 * begin like an event. Says nothing of whether the rest can be decoded.
 */
export function eventTimeOf(topic: EventTopic, value: Uint8Array, { writers = RELEASED_WRITERS }: DecodeOptions = {}): number | null {
  if (!hasHeader(value, ENCODINGS[topic].header)) {
    const brought = isFramed(value) ? writers.bring(topic, value) : null
    return brought?.kind === 'current' ? eventTimeOf(topic, brought.value) : null
  }
  reader.reset(value, HEADER_BYTES, value.length)
  reader.uuidAt('eventId')
  reader.tokenSpan('accountId', 128)
  const timeMs = reader.integer('eventTimeMs', 0, Number.MAX_SAFE_INTEGER)
  return reader.failure === null ? timeMs : null
}

/** Whether it begins as a single-object encoding does, with a whole header. */
function isFramed(value: Uint8Array): boolean {
  return value.length >= HEADER_BYTES && value[0] === 0xc3 && value[1] === 0x01
}

function refuseFraming(topic: EventTopic, value: Uint8Array): Decoded<never> {
  if (value.length >= 2 && (value[0] !== 0xc3 || value[1] !== 0x01)) {
    const start = toHex(value.subarray(0, 2))
    return {
      kind: 'rejected',
      reason: 'unknown-framing',
      detail: `the record starts with ${start}; an Avro single-object encoding starts with c301`,
    }
  }
  if (value.length < HEADER_BYTES) {
    return { kind: 'rejected', reason: 'truncated', detail: `the record has ${value.length} bytes; its header alone has ${HEADER_BYTES}` }
  }
  const fingerprint = toHex(value.subarray(2, HEADER_BYTES))
  const schema = SCHEMA_ARTIFACTS.find((known) => known.fingerprint === fingerprint)
  if (schema === undefined) {
    return { kind: 'rejected', reason: 'unknown-schema', detail: `no schema with the fingerprint ${fingerprint} is known` }
  }
  return {
    kind: 'rejected',
    reason: 'wrong-topic-schema',
    detail: `the record is a ${schema.name}; ${topic} carries ${RAW_CODECS[topic].schemaName}`,
  }
}

const SLAB_BYTES = 131072
const ROOM_BYTES = 2048
const writer = new AvroWriter(new Uint8Array(SLAB_BYTES))

/**
 * The value of a record for a raw topic: an Avro single-object encoding, at most 64 KiB, with the event's id in bytes `[10, 26)`.
 * Throws `RiskError` `input-rejected`, naming the field, for an event that its schema does not allow, and `record-too-large`.
 * The result is a view into a shared slab of 128 KiB: `slice()` it before it is transferred or kept for long.
 */
export function encodeRaw<Topic extends EventTopic>(topic: Topic, event: RawInputs[Topic]): Uint8Array {
  if (writer.at + ROOM_BYTES > writer.bytes.length) writer.reset(new Uint8Array(SLAB_BYTES), 0)
  const start = writer.at
  try {
    return encodeAt(topic, event, start)
  } catch (error) {
    writer.at = start
    if (!(error instanceof RiskError) || error.code !== 'record-too-large' || start === 0) throw error
    writer.reset(new Uint8Array(SLAB_BYTES), 0)
    return encodeAt(topic, event, 0)
  }
}

function encodeAt(topic: EventTopic, event: unknown, start: number): Uint8Array {
  const { codec, header } = ENCODINGS[topic]
  const bytes = writer.bytes
  for (let i = 0; i < HEADER_BYTES; i++) bytes[start + i] = header[i]
  writer.at = start + HEADER_BYTES
  codec.write(writer, event)
  const length = writer.at - start
  if (length > MAX_RECORD_BYTES) {
    throw new RiskError('record-too-large', `the ${topic} event has ${length} bytes; the limit is ${MAX_RECORD_BYTES}`, {
      retriable: false,
      context: { topic, bytes: length },
    })
  }
  return bytes.subarray(start, start + length)
}

/** Checks an event in JSON against its topic's schema; every problem is named, up to 20. The event has every field, absent optionals null. */
export function validateRaw<Topic extends EventTopic>(topic: Topic, json: unknown): Validation<RawEvents[Topic]> {
  return ENCODINGS[topic].codec.validate(json) as Validation<RawEvents[Topic]>
}
