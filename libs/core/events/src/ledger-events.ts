import { AvroReader } from './avro/avro-reader'
import { AvroWriter } from './avro/avro-writer'
import type { BinaryCodec } from './avro/event-codec'
import { HEADER_BYTES, hasHeader, headerOf, readFramed } from './avro/single-object'
import {
  LEDGER_CODECS,
  LEDGER_PRINTERS,
  LEDGER_VALIDATORS,
  type LedgerAvroEvents,
  type LedgerAvroInputs,
  type LedgerJsonEvents,
  type LedgerJsonInputs,
} from './generated/ledger-registry'
import { schemaOrderedJson } from './json/canonical-json'
import { JsonWriter } from './json/json-writer'
import type { Validation } from './json/problem'
import type { Decoded } from './raw-events'

/** The types of ledger events that are canonical JSON. */
export type LedgerJsonType = keyof LedgerJsonEvents

/** The types of ledger events that are Avro. */
export type LedgerAvroType = keyof LedgerAvroEvents

/** Largest ledger event in Avro: 16 MiB; what an append may hold is for the ledger to say. */
export const MAX_LEDGER_EVENT_BYTES = 16777216

const reader = new AvroReader()
const jsonWriter = new JsonWriter()

/** True for the type of a ledger event that is canonical JSON. */
export function isLedgerJsonType(type: string): type is LedgerJsonType {
  return Object.hasOwn(LEDGER_VALIDATORS, type)
}

/** True for the type of a ledger event that is Avro. */
export function isLedgerAvroType(type: string): type is LedgerAvroType {
  return Object.hasOwn(LEDGER_CODECS, type)
}

/** Checks a ledger event in JSON against its schema. The event has every field, in schema order, absent optionals null. */
export function validateLedgerJson<Type extends LedgerJsonType>(type: Type, json: unknown): Validation<LedgerJsonEvents[Type]> {
  return LEDGER_VALIDATORS[type](json)
}

/**
 * A ledger event as canonical JSON in UTF-8: names in schema order, absent optionals left out, whole numbers only.
 * Throws `RangeError` for an event that its schema does not allow: only our own code writes ledger events.
 */
export function encodeLedgerJson<Type extends LedgerJsonType>(type: Type, event: LedgerJsonInputs[Type]): Uint8Array {
  jsonWriter.begin()
  LEDGER_PRINTERS[type](jsonWriter, event)
  const plain = jsonWriter.end()
  if (plain !== null) return plain
  const checked: Validation<object> = LEDGER_VALIDATORS[type](event)
  if (checked.kind === 'rejected') throw new RangeError(`no ${type}: ${checked.problems.map((problem) => problem.message).join('; ')}`)
  return schemaOrderedJson(checked.event)
}

/**
 * A ledger event as an Avro single-object encoding: ten bytes of header, then the body. Bytes of its own, not a view.
 * Throws `RiskError` `input-rejected` for an event that its schema does not allow, `record-too-large` past 16 MiB.
 */
export function encodeLedgerAvro<Type extends LedgerAvroType>(type: Type, event: LedgerAvroInputs[Type]): Uint8Array {
  const codec = LEDGER_CODECS[type] as BinaryCodec<unknown, unknown>
  const writer = new AvroWriter(new Uint8Array(65536), MAX_LEDGER_EVENT_BYTES)
  writer.bytes.set(headerOf(codec))
  writer.at = HEADER_BYTES
  codec.write(writer, event)
  return writer.bytes.slice(0, writer.at)
}

/** Decodes what `encodeLedgerAvro` made. Never throws. Fields of bytes are views into `value`, not copies. */
export function decodeLedgerAvro<Type extends LedgerAvroType>(type: Type, value: Uint8Array): Decoded<LedgerAvroEvents[Type]> {
  const codec = LEDGER_CODECS[type] as BinaryCodec<LedgerAvroEvents[Type], unknown>
  if (value.length > MAX_LEDGER_EVENT_BYTES)
    return { kind: 'rejected', reason: 'oversized', detail: `the ${type} has ${value.length} bytes` }
  if (!hasHeader(value, headerOf(codec)))
    return { kind: 'rejected', reason: 'unknown-schema', detail: `the value is no ${type} of the schema ${codec.fingerprint}` }
  const event = readFramed(reader, value, codec.read)
  if (event === null) return { kind: 'rejected', reason: reader.failure ?? 'invalid-value', detail: reader.detail }
  return { kind: 'decoded', event }
}
