import type { SchemaFile } from './read-schemas'

/** The table by topic of all raw events. */
export function emitRawRegistry(schemas: readonly SchemaFile[]): string {
  const imports = schemas.map(({ subject, record: { name } }) => {
    return `import { type ${name}, type ${name}Input, ${name}View, read${name}, validate${name}, write${name} } from './raw-${subject}'\n`
  })
  const member = (type: (name: string) => string): string =>
    schemas.map(({ subject, record }) => `readonly '${subject}': ${type(record.name)}\n`).join('')
  const codecs = schemas.map(({ subject, record: { name }, fullName, fingerprint }) => {
    return `'${subject}': { schemaName: '${fullName}', fingerprint: '${fingerprint}', read: read${name}, write: write${name}, validate: validate${name} },\n`
  })
  return (
    `import type { EventTopic } from '@riskledger/contracts'\nimport type { EventCodec } from '../avro/event-codec'\n${imports.join('')}\n` +
    `/** The event of each raw topic, as decoded. */\nexport interface RawEvents {\n${member((name) => name)}}\n\n` +
    `/** The event of each raw topic, as a publisher may give it. */\nexport interface RawInputs {\n${member((name) => `${name}Input`)}}\n\n` +
    `/** A view of each raw topic's event, to be reused from record to record. */\nexport interface RawViews {\n${member((name) => `${name}View`)}}\n\n` +
    `/** Makes a view for each raw topic. */\nexport const NEW_VIEWS: { readonly [Topic in EventTopic]: () => RawViews[Topic] } = {\n` +
    `${schemas.map(({ subject, record: { name } }) => `'${subject}': () => new ${name}View(),\n`).join('')}}\n\n` +
    `/** How each raw topic's events are read, written and checked. */\n` +
    `export const RAW_CODECS: { readonly [Topic in EventTopic]: EventCodec<RawEvents[Topic], RawInputs[Topic]> } = {\n${codecs.join('')}}\n`
  )
}

/** The tables by type of all ledger events. */
export function emitLedgerRegistry(schemas: readonly SchemaFile[]): string {
  const json = schemas.filter((schema) => schema.encoding === 'json')
  const avro = schemas.filter((schema) => schema.encoding === 'avro')
  const imports = schemas.map(({ subject, encoding, record: { name } }) => {
    const functions = encoding === 'json' ? `print${name}, validate${name}` : `read${name}, write${name}`
    return `import { type ${name}, type ${name}Input, ${functions} } from './ledger-${subject}'\n`
  })
  const members = (of: readonly SchemaFile[], suffix: string): string =>
    of.map(({ record: { name } }) => `readonly ${name}: ${name}${suffix}\n`).join('')
  return (
    `import type { BinaryCodec } from '../avro/event-codec'\nimport type { JsonWriter } from '../json/json-writer'\nimport type { Validation } from '../json/problem'\n${imports.join('')}\n` +
    `/** The ledger events that are canonical JSON, by type, as read back. */\nexport interface LedgerJsonEvents {\n${members(json, '')}}\n\n` +
    `/** The ledger events that are canonical JSON, by type, as written. */\nexport interface LedgerJsonInputs {\n${members(json, 'Input')}}\n\n` +
    `/** The ledger events that are Avro, by type, as read back. */\nexport interface LedgerAvroEvents {\n${members(avro, '')}}\n\n` +
    `/** The ledger events that are Avro, by type, as written. */\nexport interface LedgerAvroInputs {\n${members(avro, 'Input')}}\n\n` +
    `/** How each JSON ledger event is checked. */\nexport const LEDGER_VALIDATORS: { readonly [Type in keyof LedgerJsonEvents]: (json: unknown) => Validation<LedgerJsonEvents[Type]> } = {\n` +
    `${json.map(({ record: { name } }) => `${name}: validate${name},\n`).join('')}}\n\n` +
    `/** How each JSON ledger event is written where it is plain. */\nexport const LEDGER_PRINTERS: { readonly [Type in keyof LedgerJsonEvents]: (writer: JsonWriter, event: unknown) => void } = {\n` +
    `${json.map(({ record: { name } }) => `${name}: print${name},\n`).join('')}}\n\n` +
    `/** How each Avro ledger event is read and written. */\nexport const LEDGER_CODECS: { readonly [Type in keyof LedgerAvroEvents]: BinaryCodec<LedgerAvroEvents[Type], LedgerAvroInputs[Type]> } = {\n` +
    `${avro.map(({ record: { name }, fullName, fingerprint }) => `${name}: { schemaName: '${fullName}', fingerprint: '${fingerprint}', read: read${name}, write: write${name} },\n`).join('')}}\n`
  )
}

/** The tables by topic of all events that go out. */
export function emitRiskRegistry(schemas: readonly SchemaFile[]): string {
  const imports = schemas.map(({ subject, record: { name } }) => {
    return `import { type ${name}, type ${name}Input, read${name}, write${name} } from './risk-${subject}'\n`
  })
  const members = (suffix: string): string => schemas.map(({ record: { name } }) => `readonly ${name}: ${name}${suffix}\n`).join('')
  const codecs = schemas.map(({ record: { name }, fullName, fingerprint }) => {
    return `${name}: { schemaName: '${fullName}', fingerprint: '${fingerprint}', read: read${name}, write: write${name} },\n`
  })
  return (
    `import type { BinaryCodec } from '../avro/event-codec'\n${imports.join('')}\n` +
    `/** The events that go out, by type, as read back. */\nexport interface RiskEvents {\n${members('')}}\n\n` +
    `/** The events that go out, by type, as written. */\nexport interface RiskInputs {\n${members('Input')}}\n\n` +
    `/** How each event that goes out is read and written. */\n` +
    `export const RISK_CODECS: { readonly [Type in keyof RiskEvents]: BinaryCodec<RiskEvents[Type], RiskInputs[Type]> } = {\n${codecs.join('')}}\n`
  )
}

/** Every schema in its canonical form. */
export function emitSchemaArtifacts(schemas: readonly SchemaFile[]): string {
  const rows = schemas.map(
    (schema) =>
      `{ name: '${schema.fullName}', fingerprint: '${schema.fingerprint}', canonicalJson: ${JSON.stringify(schema.canonicalForm)} },\n`,
  )
  return (
    `import type { SchemaArtifact } from '../avro/event-codec'\n\n` +
    `/** Every schema that this code reads and writes. */\nexport const SCHEMA_ARTIFACTS: readonly SchemaArtifact[] = [\n${rows.join('')}]\n`
  )
}
