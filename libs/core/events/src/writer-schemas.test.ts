import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import avro from 'avsc'
import {
  crc64Avro,
  decodeRaw,
  encodeRaw,
  eventTimeOf,
  EventViews,
  fingerprintBytes,
  parsingCanonicalForm,
  toHex,
  uuidBytes,
  uuidText,
  WriterSchemas,
} from './index'
import { RAW_READER_SCHEMAS } from './generated/raw-evolution'
import { FULL_EVENTS } from './testing/sample-events'

interface Schema {
  readonly fields: readonly { readonly name: string; readonly type: { readonly name?: string; readonly symbols?: readonly string[] } }[]
}

class UuidType extends avro.types.LogicalType {
  protected override _fromValue(bytes: Buffer): string {
    return uuidText(bytes, 0)
  }
  protected override _toValue(text: string): Buffer {
    return Buffer.from(uuidBytes(text))
  }
}

const V1 = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', '..', 'schemas', 'raw', 'payments.avsc'), 'utf8')) as Schema
/** Payments as they may be one day: one more optional field, and one more kind. */
const V2 = {
  ...V1,
  fields: [
    ...V1.fields.map((field) =>
      field.name === 'kind' ? { ...field, type: { ...field.type, symbols: ['voucher', ...field.type.symbols!] } } : field,
    ),
    { name: 'loyaltyTier', type: ['null', 'string'], default: null },
  ],
}
const [TYPE_1, TYPE_2] = [V1, V2].map((schema) =>
  avro.Type.forSchema(schema as unknown as avro.Schema, { logicalTypes: { uuid: UuidType } }),
)
const OLD_THAT_KNOWS = { writers: new WriterSchemas([{ topic: 'payments', json: JSON.stringify(V2) }]) }

const PAYMENT = FULL_EVENTS.payments
const VALUE_1 = encodeRaw('payments', PAYMENT).slice()
/** What a publisher of the second version sends. */
function valueOf2(changes: Readonly<Record<string, unknown>>): Uint8Array {
  const event = { ...(TYPE_1.fromBuffer(Buffer.from(VALUE_1.subarray(10))) as object), loyaltyTier: 'gold', ...changes }
  return Buffer.concat([Buffer.from([0xc3, 0x01]), fingerprintOf(V2), TYPE_2.toBuffer(event)])
}

function fingerprintOf(schema: unknown): Uint8Array {
  return fingerprintBytes(crc64Avro(new TextEncoder().encode(parsingCanonicalForm(schema as never))))
}

describe('a record of the second version, met by code of the first', () => {
  test('is unknown, and says so, where nobody told of the schema', () => {
    expect(decodeRaw('payments', valueOf2({}))).toEqual({
      kind: 'rejected',
      reason: 'unknown-schema',
      detail: `no schema with the fingerprint ${toHex(fingerprintOf(V2))} is known`,
    })
    expect(new EventViews().read('payments', valueOf2({}))).toBeNull()
    expect(eventTimeOf('payments', valueOf2({}))).toBeNull()
  })

  test('is read without what is new, where the schema is at hand', () => {
    const expected = decodeRaw('payments', VALUE_1)
    expect(expected.kind).toBe('decoded')
    expect(decodeRaw('payments', valueOf2({}), OLD_THAT_KNOWS)).toEqual(expected)
    expect(eventTimeOf('payments', valueOf2({}), OLD_THAT_KNOWS)).toBe(PAYMENT.eventTimeMs)
    const padded = Buffer.concat([Buffer.from('before'), valueOf2({}), Buffer.from('behind')])
    const view = new EventViews(OLD_THAT_KNOWS).read('payments', padded, 6, padded.length - 6)
    expect(view).toMatchObject({ paymentId: PAYMENT.paymentId, amountMinor: PAYMENT.amountMinor, kind: PAYMENT.kind })
  })

  test('a kind that is new is unknown', () => {
    expect(decodeRaw('payments', valueOf2({ kind: 'voucher' }), OLD_THAT_KNOWS)).toMatchObject({
      kind: 'decoded',
      event: { kind: 'unknown' },
    })
  })

  test('on another topic it is as unknown as before', () => {
    expect(decodeRaw('logins', valueOf2({}), OLD_THAT_KNOWS)).toMatchObject({ kind: 'rejected', reason: 'unknown-schema' })
  })

  test.each([
    ['cut short', (value: Uint8Array) => value.subarray(0, 60), 'truncated'],
    ['with more behind it', (value: Uint8Array) => Buffer.concat([value, Buffer.from([0])]), 'trailing-bytes'],
    ['cut within its header', (value: Uint8Array) => value.subarray(0, 9), 'truncated'],
  ])('%s, it is refused for that', (_, damage, reason) => {
    expect(decodeRaw('payments', damage(valueOf2({})), OLD_THAT_KNOWS)).toMatchObject({ kind: 'rejected', reason })
    expect(new EventViews(OLD_THAT_KNOWS).read('payments', damage(valueOf2({})))).toBeNull()
  })

  test('a value that the first version does not allow is refused as ever', () => {
    expect(decodeRaw('payments', valueOf2({ currency: 'usd' }), OLD_THAT_KNOWS)).toMatchObject({
      kind: 'rejected',
      reason: 'invalid-value',
    })
  })
})

test('a record of the first version, met by code of the second, has the defaults of what is new', () => {
  const writers = new WriterSchemas([{ topic: 'payments', json: JSON.stringify(V1) }], {
    ...RAW_READER_SCHEMAS,
    payments: JSON.stringify(V2),
  })
  const brought = writers.bring('payments', VALUE_1)
  if (brought?.kind !== 'current') throw new Error(JSON.stringify(brought))
  expect(toHex(brought.value.subarray(2, 10))).toBe(toHex(fingerprintOf(V2)))
  expect(TYPE_2.fromBuffer(Buffer.from(brought.value.subarray(10)))).toEqual({
    ...(TYPE_1.fromBuffer(Buffer.from(VALUE_1.subarray(10))) as object),
    loyaltyTier: null,
  })
})

test.each([
  [
    'retypes a field',
    { ...V1, fields: V1.fields.map((field) => (field.name === 'amountMinor' ? { ...field, type: 'string' } : field)) },
    'amountMinor: written as string',
  ],
  [
    'does not begin with id, account and time',
    { ...V1, fields: [...V1.fields].reverse() },
    'does not begin with eventId, accountId, eventTimeMs',
  ],
])('a schema that %s is refused', (_, schema, message) => {
  expect(() => new WriterSchemas([{ topic: 'payments', json: JSON.stringify(schema) }])).toThrow(message)
})
