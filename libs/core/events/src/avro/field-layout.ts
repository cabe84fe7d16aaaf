import type { TextFormat } from '../text/format'
import { AvroWriter } from './avro-writer'

/** What a field holds, with the bounds that its schema states. */
type FieldType =
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'token'; readonly maxBytes: number }
  | { readonly kind: 'text'; readonly maxBytes: number }
  | { readonly kind: 'formatted'; readonly maxBytes: number; readonly format: TextFormat }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'uuid' }
  /** A list, a map, a record, or a field that is never written: only its codec knows how. */
  | { readonly kind: 'other' }

/** One field of a record, in the order in which its bytes stand there. */
export interface FieldLayout {
  readonly name: string
  /** A union with null: a byte says whether there is a value. */
  readonly optional: boolean
  readonly type: FieldType
}

/** Longer than any value of one field but a list, map or record. */
const MAX_FIELD_BYTES = 65_536

/**
 * The bytes of one field's value, as they stand in its record. Throws `RiskError` `input-rejected` for a value that the schema does not
 * allow, and for any value of a field whose type is `other`.
 */
export function encodeField(field: FieldLayout, value: unknown): Uint8Array {
  const writer = new AvroWriter(new Uint8Array(256), MAX_FIELD_BYTES)
  if (!field.optional) writeValue(writer, field, value)
  else if (value === undefined || value === null) writer.branch(0)
  else {
    writer.branch(1)
    writeValue(writer, field, value)
  }
  return writer.bytes.slice(0, writer.at)
}

function writeValue(writer: AvroWriter, { name, type }: FieldLayout, value: unknown): void {
  switch (type.kind) {
    case 'integer':
      return writer.integer(name, value as number, type.minimum, type.maximum)
    case 'boolean':
      return writer.boolean(name, value as boolean)
    case 'token':
      return writer.token(name, value as string, type.maxBytes)
    case 'text':
      return writer.text(name, value as string, type.maxBytes)
    case 'formatted':
      return writer.formatted(name, value as string, type.maxBytes, type.format)
    case 'enum':
      return writer.index(name, (type.symbols as readonly unknown[]).indexOf(value), value)
    case 'uuid':
      return writer.uuid(name, value as string)
    case 'other':
      return writer.reject(name, 'is a list, a map or a record, which no field alone can be written as')
  }
}
