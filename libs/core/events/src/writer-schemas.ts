import type { EventTopic } from '@riskledger/contracts'
import { crc64Avro, fingerprintBytes } from './avro/fingerprint'
import { parsingCanonicalForm, type AvroSchema } from './avro/parsing-canonical-form'
import type { Transcode } from './avro/pass-over'
import { resolveSchemas } from './avro/resolve-schemas'
import { readSchemaNode, type SchemaNode } from './avro/schema-node'
import { HEADER_BYTES, headerOf } from './avro/single-object'
import { Transcoding } from './avro/transcoding'
import { RAW_READER_SCHEMAS, RELEASED_WRITER_SCHEMAS } from './generated/raw-evolution'
import type { QuarantineReason } from './quarantine-reason'
import { toHex } from './text/hex'

/** Room for a record of another schema once it is brought to the current one: the limit of a record, so that defaults cannot blow it up. */
const MAX_CURRENT_BYTES = 65_536
/** That room, written over by each record. */
const scratch = new Uint8Array(MAX_CURRENT_BYTES)
/** Every raw event begins with these; its id and account are read from their places before anything is decoded. */
const FIRST_FIELDS = ['eventId', 'accountId', 'eventTimeMs']

/** A schema with which a topic's records may have been written. */
export interface WriterSchema {
  readonly topic: EventTopic
  /** The schema in JSON; its parsing canonical form is enough. */
  readonly json: string
}

/** A record of another schema in the bytes of the current one, header included; or why that cannot be. */
export type BroughtToCurrent =
  | { readonly kind: 'current'; readonly value: Uint8Array }
  | { readonly kind: 'rejected'; readonly reason: QuarantineReason; readonly detail: string }

/**
 * Schemas, earlier or later than the current ones, whose records can be read: each record is brought to the current schema by Avro's rules of schema
 * resolution, then decoded as if it had been written so. Fields that the current schema lacks are dropped, fields that the record lacks take their
 * defaults, and symbols that it does not know become the enum's default.
 *
 * What a process can read decides what it screens, so a journal is folded with at least the schemas that its inputs were screened with.
 */
export class WriterSchemas {
  private readonly byFingerprint = new Map<string, Map<EventTopic, { readonly header: Uint8Array; readonly transcode: Transcode }>>()

  /** Throws an `Error` that names every field in the way where one of them cannot be read by the current schema of its topic. */
  constructor(schemas: readonly WriterSchema[], readers: Readonly<Record<EventTopic, string>> = RAW_READER_SCHEMAS) {
    for (const { topic, json } of schemas) {
      const writer = JSON.parse(json) as AvroSchema
      const reader = JSON.parse(readers[topic]) as AvroSchema
      const fingerprint = fingerprintOf(writer)
      const ofTopics = this.byFingerprint.get(fingerprint) ?? new Map<EventTopic, never>()
      ofTopics.set(topic, {
        header: headerOf({ fingerprint: fingerprintOf(reader) }),
        transcode: transcodeOf(topic, readSchemaNode(writer), readSchemaNode(reader)),
      })
      this.byFingerprint.set(fingerprint, ofTopics)
    }
  }

  /** The record in the current schema, in bytes of its own; null where its fingerprint is none of these. The header must be whole. */
  bring(topic: EventTopic, value: Uint8Array): BroughtToCurrent | null {
    if (this.byFingerprint.size === 0) return null
    const schema = this.byFingerprint.get(toHex(value.subarray(2, HEADER_BYTES)))?.get(topic)
    if (schema === undefined) return null
    const record = new Transcoding(value, HEADER_BYTES, scratch)
    record.put(schema.header)
    schema.transcode(record)
    if (record.failure === null && record.at < value.length)
      record.fail('trailing-bytes', `${value.length - record.at} bytes follow the record's last field`)
    if (record.failure !== null) return { kind: 'rejected', reason: record.failure, detail: record.detail }
    return { kind: 'current', value: record.out.slice(0, record.outAt) }
  }
}

/** Every released schema of a raw event that differs from the current one: what was ever written with a released version stays readable. */
export const RELEASED_WRITERS = new WriterSchemas(RELEASED_WRITER_SCHEMAS)

function transcodeOf(topic: EventTopic, writer: SchemaNode, reader: SchemaNode): Transcode {
  const first = writer.kind === 'record' ? writer.fields.slice(0, FIRST_FIELDS.length).map(({ name }) => name) : []
  if (first.join() !== FIRST_FIELDS.join()) throw new Error(`a schema of ${topic} does not begin with ${FIRST_FIELDS.join(', ')}`)
  const resolution = resolveSchemas(writer, reader)
  if (resolution.kind === 'resolved') return resolution.transcode
  const problems = resolution.problems.map(({ path, message }) => `${path === '' ? 'the record' : path}: ${message}`)
  throw new Error(`a schema of ${topic} cannot be read by the current one: ${problems.join('; ')}`)
}

function fingerprintOf(schema: AvroSchema): string {
  return toHex(fingerprintBytes(crc64Avro(new TextEncoder().encode(parsingCanonicalForm(schema)))))
}
