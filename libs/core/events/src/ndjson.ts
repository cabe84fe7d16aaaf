import { isUtf8 } from 'node:buffer'
import type { EventTopic } from '@riskledger/contracts'
import { describeJsonValue } from './json/json-check'
import { reasonOf } from './json/problem'
import type { QuarantineReason } from './quarantine-reason'
import { EVENT_TOPICS, MAX_RECORD_BYTES, isEventTopic, validateRaw } from './raw-events'
import type { RawEvents, RawInputs } from './generated/raw-registry'
import { quoted } from './text/token'

/** An event with the raw topic that it belongs to. */
export type RawEvent = { [Topic in EventTopic]: { readonly topic: Topic; readonly event: RawEvents[Topic] } }[EventTopic]

/** What a line of an NDJSON file holds: an event, nothing at all, or no event, with the reason. */
export type NdjsonLine =
  | ({ readonly kind: 'parsed' } & RawEvent)
  | { readonly kind: 'blank' }
  | { readonly kind: 'rejected'; readonly reason: QuarantineReason; readonly detail: string }

const textDecoder = new TextDecoder('utf-8')
const LINE_MEMBERS: readonly string[] = ['topic', 'event']

/**
 * Reads one line of NDJSON: `{ "topic": "payments", "event": { ... } }`. A byte order mark before it and `\r\n` after it are ignored. Never
 * throws; the same bytes give the same reason and detail on every engine, so that they can be found again from the bytes alone.
 */
export function parseNdjsonLine(line: Uint8Array): NdjsonLine {
  if (line.length > MAX_RECORD_BYTES) return rejected('oversized', `the line has ${line.length} bytes; the limit is ${MAX_RECORD_BYTES}`)
  if (!isUtf8(line)) return rejected('invalid-utf8', 'the line is not valid UTF-8')
  const text = textDecoder.decode(line).trim()
  if (text === '') return { kind: 'blank' }
  const json = parseJson(text)
  if (json === undefined) return rejected('not-json', describeNotJson(text))
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return rejected('invalid-event', `the line is ${quoted(text)}; it is an object { "topic": ..., "event": ... }`)
  const { topic, event } = json as { readonly topic?: unknown; readonly event?: unknown }
  for (const name of Object.keys(json)) {
    if (!LINE_MEMBERS.includes(name))
      return rejected('invalid-event', `the line has a member ${quoted(name)}; it has topic and event alone`)
  }
  if (!isEventTopic(topic)) {
    const shown = typeof topic === 'string' ? quoted(topic) : describeJsonValue(topic)
    return rejected('invalid-event', `topic is ${shown}; it is one of ${EVENT_TOPICS.join(', ')}`)
  }
  if (event === undefined) return rejected('invalid-event', 'event is missing; it is an object with the fields of the topic')
  const checked = validateRaw(topic, event)
  if (checked.kind === 'accepted') return { kind: 'parsed', topic, event: checked.event } as NdjsonLine
  return rejected(reasonOf(checked.problems[0]), checked.problems.map((problem) => problem.message).join('; '))
}

/**
 * Why the bytes of a record on the topic `unparsable` are no event: the same answer that the line got when it was read. What is no line of
 * NDJSON, such as a row of CSV, is `not-json`.
 */
export function readUnparsable(value: Uint8Array): { readonly reason: QuarantineReason; readonly detail: string } {
  const line = parseNdjsonLine(value)
  switch (line.kind) {
    case 'rejected':
      return { reason: line.reason, detail: line.detail }
    case 'blank':
      return { reason: 'not-json', detail: 'the line is blank' }
    case 'parsed':
      return {
        reason: 'invalid-event',
        detail: `the line is a valid event of ${line.topic}, on the topic for what is none; publish it there`,
      }
  }
}

/** One line of NDJSON without the line's end: plain JSON, absent optionals left out. */
export function formatNdjsonLine<Topic extends EventTopic>(topic: Topic, event: RawInputs[Topic]): string {
  return `{"topic":"${topic}","event":${JSON.stringify(event, leaveOutNull)}}`
}

function leaveOutNull(_name: string, value: unknown): unknown {
  return value === null ? undefined : value
}

function rejected(reason: QuarantineReason, detail: string): NdjsonLine {
  return { kind: 'rejected', reason, detail }
}

/** The value, or undefined where the text is not JSON. The engine's own message is not used: it differs between versions. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function describeNotJson(text: string): string {
  const cut = text.startsWith('{') && !text.endsWith('}') ? '; it opens an object and does not close it: was it cut off?' : ''
  return `the line is not JSON: ${quoted(text)}${cut}`
}
