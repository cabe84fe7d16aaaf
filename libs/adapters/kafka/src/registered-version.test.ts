import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import avro from 'avsc'
import { encodeRaw, parsingCanonicalForm, rawHeader } from '@riskledger/events'
import { RegisteredVersion } from './registered-version'
import { singleObjectHeader } from './schema-fingerprint'

interface Schema {
  readonly fields: readonly { readonly name: string; readonly type: { readonly symbols?: readonly string[] } }[]
}

const NOW = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', '..', 'schemas', 'raw', 'risk-alerts.avsc'), 'utf8')) as Schema
const EARLIER = { ...NOW, fields: NOW.fields.slice(0, -1) }
const LATER = {
  ...NOW,
  fields: [
    ...NOW.fields.map((field) =>
      field.name === 'kind' ? { ...field, type: { ...field.type, symbols: ['mule', ...field.type.symbols!] } } : field,
    ),
    { name: 'region', type: ['null', 'string'], default: null },
  ],
}
const typeOf = (schema: object): avro.Type => avro.Type.forSchema(schema as avro.Schema)
const formOf = (schema: object): string => parsingCanonicalForm(schema as never)

const ALERT = {
  eventId: Buffer.alloc(16, 7),
  accountId: 'a-1',
  eventTimeMs: 1_767_225_600_000,
  source: 'provider',
  sourceSequence: null,
  traceId: null,
  alertId: 'r-1',
  provider: 'lists',
  kind: 'sanctions',
  severity: 3,
  subjectEventId: null,
  counterpartyId: null,
  providerReference: 'x-9',
  listHash: null,
  result: 'hit',
  expiresAtMs: null,
}
/** The bytes behind a header. */
const bodyOf = (schema: object, changes: object = {}): Buffer => typeOf(schema).toBuffer({ ...ALERT, ...changes })
const current = (changes: object = {}): Buffer => Buffer.concat([rawHeader('risk-alerts'), bodyOf(NOW, changes)])

function read(schema: object, body: Buffer, topic: Parameters<RegisteredVersion['singleObject']>[0] = 'risk-alerts'): Buffer {
  return Buffer.from(new RegisteredVersion(formOf(schema)).singleObject(topic, body))
}

test('the current schema: the same bytes behind its header', () => {
  expect(read(NOW, bodyOf(NOW))).toEqual(current())
})

test('an earlier one: what it lacks takes its default', () => {
  expect(read(EARLIER, bodyOf(EARLIER))).toEqual(current())
})

test('a later one: fields that are not known are left out, a symbol that is not becomes the default', () => {
  expect(read(LATER, bodyOf(LATER, { region: 'north' }))).toEqual(current())
  expect(read(LATER, bodyOf(LATER, { kind: 'mule' }))).toEqual(current({ kind: 'unknown' }))
})

test('one record after another, none written into the one before', () => {
  const version = new RegisteredVersion(formOf(LATER))
  const [one, two] = ['first', 'second'].map((alertId) => version.singleObject('risk-alerts', bodyOf(LATER, { alertId })))
  expect([one, two].map((value) => Buffer.from(value))).toEqual([current({ alertId: 'first' }), current({ alertId: 'second' })])
})

test('what is no version of the topic, or not whole, keeps the header of its own schema', () => {
  const header = singleObjectHeader(formOf(LATER))
  const body = bodyOf(LATER)
  for (const topic of ['payments', 'unparsable'] as const) expect(read(LATER, body, topic)).toEqual(Buffer.concat([header, body]))
  const cut = body.subarray(0, -1)
  expect(read(LATER, cut)).toEqual(Buffer.concat([header, cut]))
  const other = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'long' }] }
  expect(read(other, Buffer.of(2))).toEqual(Buffer.concat([singleObjectHeader(formOf(other)), Buffer.of(2)]))
})

test('what the product itself encodes is what comes of its own schema', () => {
  const alert = { ...ALERT, eventId: '07070707-0707-0707-0707-070707070707' }
  expect(Buffer.from(encodeRaw('risk-alerts', alert as never))).toEqual(current())
})
