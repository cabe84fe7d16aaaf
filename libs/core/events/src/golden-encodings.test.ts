import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import avro from 'avsc'
import {
  EVENT_TOPICS,
  crc64Avro,
  decodeRaw,
  encodeRaw,
  fingerprintBytes,
  parsingCanonicalForm,
  schemaArtifacts,
  toHex,
  uuidBytes,
  uuidText,
} from './index'
import { FULL_EVENTS, MINIMAL_EVENTS } from './testing/sample-events'

const SCHEMAS = join(__dirname, '..', '..', '..', '..', 'schemas')

class UuidType extends avro.types.LogicalType {
  protected override _fromValue(bytes: Buffer): string {
    return uuidText(bytes, 0)
  }
  protected override _toValue(text: string): Buffer {
    return Buffer.from(uuidBytes(text))
  }
}

/** The schema as avsc reads it: the oracle for ours. */
function oracle(topic: string): avro.Type {
  const schema = JSON.parse(readFileSync(join(SCHEMAS, 'raw', `${topic}.avsc`), 'utf8')) as avro.Schema
  return avro.Type.forSchema(schema, { logicalTypes: { uuid: UuidType } })
}

/** Symbols as Avro spells them; every other text has no place for a hyphen turned underscore in these samples' enums. */
function inAvro(type: avro.Type, value: unknown): unknown {
  if (type.typeName === 'enum') return String(value).replaceAll('-', '_')
  if (type.typeName.startsWith('union:')) {
    const inner = (type as avro.types.UnwrappedUnionType).types[1]
    return value === undefined || value === null ? null : inAvro(inner, value)
  }
  if (type.typeName === 'array') return (value as readonly unknown[]).map((item) => inAvro((type as avro.types.ArrayType).itemsType, item))
  if (type.typeName !== 'record') return value
  const members = value as Readonly<Record<string, unknown>>
  return Object.fromEntries((type as avro.types.RecordType).fields.map((field) => [field.name, inAvro(field.type, members[field.name])]))
}

describe.each(EVENT_TOPICS)('%s', (topic) => {
  const type = oracle(topic)
  const artifact = schemaArtifacts().find((known) => known.name === type.name)

  it.each([
    ['smallest', MINIMAL_EVENTS[topic]],
    ['fullest', FULL_EVENTS[topic]],
  ])('the %s event has the bytes that avsc gives it, and is read back', (_which, event) => {
    const framed = encodeRaw(topic, event)
    const body = type.toBuffer(inAvro(type, event))
    expect(toHex(framed)).toBe(`c301${artifact?.fingerprint}${toHex(body)}`)
    expect(toHex(framed.subarray(10, 26))).toBe(event.eventId.replaceAll('-', ''))
    const decoded = decodeRaw(topic, framed)
    expect(decoded).toMatchObject({ kind: 'decoded', event })
    if (decoded.kind !== 'decoded') return
    expect(Object.keys(decoded.event)).toEqual((type as avro.types.RecordType).fields.map((field) => field.name))
    expect(encodeRaw(topic, decoded.event)).toEqual(framed)
  })

  it('is named by the fingerprint of its canonical form, as avsc canonicalises it', () => {
    expect(artifact?.canonicalJson).toBe(JSON.stringify(type.schema()))
    expect(toHex(fingerprintBytes(crc64Avro(new TextEncoder().encode(artifact?.canonicalJson))))).toBe(artifact?.fingerprint)
  })

  it('is refused as truncated wherever it is cut', () => {
    const framed = encodeRaw(topic, FULL_EVENTS[topic])
    for (let length = 0; length < framed.length; length++) {
      expect(decodeRaw(topic, framed.subarray(0, length))).toMatchObject({ kind: 'rejected', reason: 'truncated' })
    }
  })
})

describe('fingerprints', () => {
  it.each([
    ['"null"', 7195948357588979594n],
    ['"boolean"', -6970731678124411036n],
    ['"int"', 8247732601305521295n],
    ['"long"', -3434872931120570953n],
    ['"string"', -8142146995180207161n],
  ])('of %s is the one that the Avro project publishes', (form, expected) => {
    expect(BigInt.asIntN(64, crc64Avro(new TextEncoder().encode(form)))).toBe(expected)
  })

  it('stand with their lowest byte first', () => {
    expect(toHex(fingerprintBytes(0x63dd24e7cc258f8an))).toBe('8a8f25cce724dd63')
  })

  it('leave out what a reader does not need', () => {
    const schema = {
      type: 'record',
      name: 'R',
      namespace: 'a.b',
      doc: 'x',
      fields: [{ name: 'f', doc: 'y', default: 1, type: { type: 'long', logicalType: 'timestamp-millis' } }],
    }
    expect(parsingCanonicalForm(schema)).toBe('{"name":"a.b.R","type":"record","fields":[{"name":"f","type":"long"}]}')
  })
})

it('whole numbers are exact to 2^53 - 1, where avsc stops one earlier', () => {
  for (const amountMinor of [0, 1, 63, 64, 2 ** 27, 2 ** 28 - 1, 2 ** 30, 2 ** 31, 2 ** 34 + 7, 2 ** 48 + 1, 2 ** 53 - 2, 2 ** 53 - 1]) {
    const framed = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, amountMinor })
    expect(decodeRaw('payments', framed)).toMatchObject({ kind: 'decoded', event: { amountMinor } })
  }
})

describe('the bytes that stay for good', () => {
  it('a payment', () => {
    expect(toHex(encodeRaw('payments', MINIMAL_EVENTS.payments))).toMatchInlineSnapshot(
      `"c30138534b5347befcc40192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000127061792d3838323133000000c0cf2406555344c0cf24000c6d2d3030373100060000040000000000"`,
    )
  })
  it('the fingerprint of every raw schema', () => {
    expect(
      schemaArtifacts()
        .filter((schema) => schema.name.startsWith('riskledger.raw'))
        .map((schema) => `${schema.fingerprint} ${schema.name}`),
    ).toMatchInlineSnapshot(`
      [
        "44c0a8daabd0f56b riskledger.raw.AccountProfile",
        "6f42f49be0205329 riskledger.raw.Answer",
        "9025922437655c3f riskledger.raw.CaseAction",
        "b75c4f01ebf5e71d riskledger.raw.LivenessResult",
        "5c582d425b29127e riskledger.raw.Login",
        "1aca6ee9069da3d4 riskledger.raw.Outcome",
        "599ab8736bb8976a riskledger.raw.P2pTrade",
        "38534b5347befcc4 riskledger.raw.Payment",
        "f1033f906b1e2544 riskledger.raw.RiskAlert",
      ]
    `)
  })
})
