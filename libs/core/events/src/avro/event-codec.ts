import type { Validation } from '../json/problem'
import type { AvroReader } from './avro-reader'
import type { AvroWriter } from './avro-writer'

/** How one schema's records are read and written in Avro's binary encoding. */
export interface BinaryCodec<Event, Input> {
  /** Full name of the schema's record. */
  readonly schemaName: string
  /** CRC-64-AVRO of the schema as 16 hexadecimal digits, in the order of its bytes in a single-object encoding. */
  readonly fingerprint: string
  readonly read: (reader: AvroReader) => Event
  readonly write: (writer: AvroWriter, value: Input) => void
}

/** A codec with the check of the same record in JSON. */
export interface EventCodec<Event, Input> extends BinaryCodec<Event, Input> {
  readonly validate: (json: unknown) => Validation<Event>
}

/** A schema by content. */
export interface SchemaArtifact {
  /** Full name of the schema's record. */
  readonly name: string
  /** CRC-64-AVRO of `canonicalJson` as 16 hexadecimal digits, in the order of its bytes in a single-object encoding. */
  readonly fingerprint: string
  /** Avro's parsing canonical form. */
  readonly canonicalJson: string
}
