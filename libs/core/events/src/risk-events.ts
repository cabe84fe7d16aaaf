import { AvroReader } from './avro/avro-reader'
import { AvroWriter } from './avro/avro-writer'
import type { BinaryCodec } from './avro/event-codec'
import { HEADER_BYTES, hasHeader, headerOf, readFramed } from './avro/single-object'
import { RISK_CODECS, type RiskEvents, type RiskInputs } from './generated/risk-registry'
import { MAX_RECORD_BYTES, type Decoded } from './raw-events'

/** The types of events that go out. */
export type RiskType = keyof RiskEvents

/** The topic of each type, without the environment prefix. */
export const RISK_TOPICS: Readonly<Record<RiskType, string>> = {
  VerdictPublished: 'risk.verdicts',
  QuarantinePublished: 'risk.quarantine',
}

const HEADERS: Readonly<Record<RiskType, Uint8Array>> = {
  VerdictPublished: headerOf(RISK_CODECS.VerdictPublished),
  QuarantinePublished: headerOf(RISK_CODECS.QuarantinePublished),
}

const reader = new AvroReader()
const writer = new AvroWriter(new Uint8Array(4_096), MAX_RECORD_BYTES)

/**
 * An event that goes out, as an Avro single-object encoding: ten bytes of header, then the body, at most 64 KiB. Bytes of its own, not a view.
 * Throws `RiskError` `input-rejected` for an event that its schema does not allow: only our own code writes them.
 */
export function encodeRisk<Type extends RiskType>(type: Type, event: RiskInputs[Type]): Uint8Array {
  const codec = RISK_CODECS[type] as BinaryCodec<unknown, unknown>
  writer.bytes.set(HEADERS[type])
  writer.at = HEADER_BYTES
  codec.write(writer, event)
  return writer.bytes.slice(0, writer.at)
}

/** Decodes the value of a message of a risk topic. Never throws. Fields of bytes are views into `value`, not copies. */
export function decodeRisk<Type extends RiskType>(type: Type, value: Uint8Array): Decoded<RiskEvents[Type]> {
  const codec = RISK_CODECS[type] as BinaryCodec<RiskEvents[Type], unknown>
  if (value.length > MAX_RECORD_BYTES) return { kind: 'rejected', reason: 'oversized', detail: `the ${type} has ${value.length} bytes` }
  if (!hasHeader(value, HEADERS[type]))
    return { kind: 'rejected', reason: 'unknown-schema', detail: `the value is no ${type} of the schema ${codec.fingerprint}` }
  const event = readFramed(reader, value, codec.read)
  if (event === null) return { kind: 'rejected', reason: reader.failure ?? 'invalid-value', detail: reader.detail }
  return { kind: 'decoded', event }
}
