import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc64Avro, fingerprintBytes } from '../../libs/core/events/src/avro/fingerprint'
import { parsingCanonicalForm, type AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'
import { toHex } from '../../libs/core/events/src/text/hex'
import { readRecord, type RecordNode } from './model'

const KINDS = ['raw', 'ledger', 'risk'] as const

/** Folders of schemas: what comes in, what the ledger holds, what goes out. */
type SchemaKind = (typeof KINDS)[number]

/** One schema file, read. */
export interface SchemaFile {
  readonly kind: SchemaKind
  /** File name without its ending. */
  readonly subject: string
  readonly record: RecordNode
  /** The file's content. */
  readonly schema: AvroSchema
  /** `json` or `avro` for the ledger, `avro` for what goes out; raw events have both. */
  readonly encoding: 'json' | 'avro' | 'both'
  readonly fullName: string
  readonly canonicalForm: string
  /** The fingerprint's 8 bytes, lowest first, in hexadecimal. */
  readonly fingerprint: string
}

/** Every schema under the folder, in order of kind and name. */
export function readSchemas(folder: string): readonly SchemaFile[] {
  return KINDS.flatMap((kind) =>
    readdirSync(join(folder, kind))
      .filter((name) => name.endsWith('.avsc'))
      .sort()
      .map((name) => readSchema(kind, name.slice(0, -'.avsc'.length), readFileSync(join(folder, kind, name), 'utf8'))),
  )
}

function readSchema(kind: SchemaKind, subject: string, text: string): SchemaFile {
  const schema = JSON.parse(text) as { readonly [attribute: string]: unknown }
  const canonicalForm = parsingCanonicalForm(schema)
  const encoding = kind === 'raw' ? 'both' : schema['encoding']
  if (encoding !== 'json' && encoding !== 'avro' && encoding !== 'both') throw new Error(`${subject}: the encoding is json or avro`)
  return {
    kind,
    subject,
    record: readRecord(schema),
    schema,
    encoding,
    fullName: `${String(schema['namespace'])}.${String(schema['name'])}`,
    canonicalForm,
    fingerprint: toHex(fingerprintBytes(crc64Avro(new TextEncoder().encode(canonicalForm)))),
  }
}
