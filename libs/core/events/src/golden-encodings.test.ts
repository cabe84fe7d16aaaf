import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventTopic } from '@riskledger/contracts'
import avro from 'avsc'
import {
  EVENT_TOPICS,
  crc64Avro,
  decodeRaw,
  encodeRaw,
  fingerprintBytes,
  fromHex,
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

/**
 * These bytes are in ledgers, bodies of inputs that journals hold verbatim: they never change. Where a schema goes on, its events get other bytes, and
 * these must be read all the same.
 */
const BYTES_FOR_GOOD: { readonly [Topic in EventTopic]: { readonly smallest: string; readonly fullest: string } } = {
  payments: {
    smallest:
      'c30138534b5347befcc40192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000127061792d3838323133000000c0cf2406555344c0cf24000c6d2d3030373100060000040000000000',
    fullest:
      'c30138534b5347befcc40192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb1127061792d3838323133000000fcffffffffffff1f06555344c0cf24029f0b0c6d2d3030373100060206772d310224c3a96c656374726f6e6971756520f09f948c04020e636172642d313202106465766963652d34021273657373696f6e2d3902044445020a',
  },
  logins: {
    smallest:
      'c3015c582d425b29127e0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000106c6f67696e2d3137000000106465766963652d341273657373696f6e2d390a69702d336600000000000000000000000000',
    fullest:
      'c3015c582d425b29127e0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb1106c6f67696e2d313700021c77726f6e672070617373776f72640600040c00106465766963652d341273657373696f6e2d390a69702d336602107072656669782d3302feffffff1f02044b52020a4b522d313100021262726f777365722d3702086f732d32020a70686f6e6502900d02cf8c0102a09902025202d00f',
  },
  'p2p-trades': {
    smallest:
      'c301599ab8736bb8976a0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757400000e74726164652d3502020c612d30343132064254430e313530303030301098860c0645555298ea0c000202000000000000',
    fullest:
      'c301599ab8736bb8976a0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb10e74726164652d3502020c612d30343132064254430e313530303030301098860c0645555298ea0c02f3030202020c62616e6b2d3402106465766963652d34021273657373696f6e2d39020202044e470278',
  },
  'risk-alerts': {
    smallest:
      'c301f1033f906b1e25440192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757400000c616c2d35313906772d3108b0090000167265662f323032362f3737000000',
    fullest:
      'c301f1033f906b1e25440192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb10c616c2d35313906772d3108b00902f6e5d4c3b2a14f0e8d9c8d7c6a5b4c3f020c6d2d30303731167265662f323032362f3737021e7368613235363a37376564386563330002feeffea1fa9d73',
  },
  'liveness-results': {
    smallest:
      'c301b75c4f01ebf5e71d0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757400000e636865636b2d31166368616c6c656e67652d31020206d80e0200001076656e646f722d32',
    fullest:
      'c301b75c4f01ebf5e71d0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb10e636865636b2d31166368616c6c656e67652d31020206d80e0202106465766963652d34021273657373696f6e2d391076656e646f722d32',
  },
  outcomes: {
    smallest:
      'c3011aca6ee9069da3d40192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000126f7574636f6d652d33f6e5d4c3b2a14f0e8d9c8d7c6a5b4c3f80d0f790bf6700080000000080e891cdc367',
    fullest:
      'c3011aca6ee9069da3d40192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb1126f7574636f6d652d33f6e5d4c3b2a14f0e8d9c8d7c6a5b4c3f80d0f790bf67026ba7b8109dad51d180b400c04fd430c808020002064a5059020c6d2d303037310080e891cdc367',
  },
  'account-profiles': {
    smallest:
      'c30144c0a8daabd0f56b0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000008080f4f6905d040000000000',
    fullest:
      'c30144c0a8daabd0f56b0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb1008080f4f6905d04020446520204505402066c6f77040c74656e7572651816696e636f6d652d62616e6405000200',
  },
  'case-actions': {
    smallest:
      'c3019025922437655c3f0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f7574000010616374696f6e2d3800000410637573746f6d65720000',
    fullest:
      'c3019025922437655c3f0192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb110616374696f6e2d38020c636173652d320212636f6d6d616e642d360410637573746f6d65720212616e616c7973742d32587468652070686f6e65207761732073746f6c656e2c0a746865206f776e6572206861732073686f776e206974',
  },
  answers: {
    smallest:
      'c3016f42f49be02053290192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f75740000f6e5d4c3b2a14f0e8d9c8d7c6a5b4c3f040018ac02',
    fullest:
      'c3016f42f49be02053290192f3c45b6a7c8d9e0fa1b2c3d4e5f60c612d30323933a0899eaac46710636865636b6f757402fcffffffffffff1f022074726163652dcea9cebcceadceb3ceb1f6e5d4c3b2a14f0e8d9c8d7c6a5b4c3f040118ac02',
  },
}

describe('the bytes that stay for good', () => {
  it.each(EVENT_TOPICS)('%s with no optional field, and with every one', (topic) => {
    const { smallest, fullest } = BYTES_FOR_GOOD[topic]
    expect(toHex(encodeRaw(topic, MINIMAL_EVENTS[topic]))).toBe(smallest)
    expect(toHex(encodeRaw(topic, FULL_EVENTS[topic]))).toBe(fullest)
    expect(decodeRaw(topic, fromHex(smallest))).toMatchObject({ kind: 'decoded', event: MINIMAL_EVENTS[topic] })
    // Equal, so that an optional field that the sample leaves out, null here, is noticed.
    expect(decodeRaw(topic, fromHex(fullest))).toEqual({ kind: 'decoded', event: FULL_EVENTS[topic] })
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
