import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS } from '@riskledger/contracts'
import avro from 'avsc'
import {
  adviceFor,
  decodeRisk,
  encodeRisk,
  PUBLISHED_TOPICS,
  QUARANTINE_REASONS,
  RISK_TOPICS,
  schemaArtifacts,
  toHex,
  type RiskInputs,
  type RiskType,
} from './index'

const EVENT_ID = '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6'
const PLACE = { partition: 2, sequence: 10_442, topic: 'payments', offset: 8_120, brokerTimeMs: 1_778_697_618_000 } as const
const VERDICT: RiskInputs['VerdictPublished'] = {
  ...PLACE,
  eventId: EVENT_ID,
  accountId: 'a-0293',
  eventTimeMs: 1_778_697_618_000,
  status: 'screened',
  verdict: 'hold',
  scorePoints: 742,
  decisionId: '8be23f37-3dc6-5e4a-bfb2-b796d51fd431',
  reasonCodes: ['amount-deviation', 'late-night-deviation'],
  policyHash: new Uint8Array(32).fill(0x9f),
}
const QUARANTINE: RiskInputs['QuarantinePublished'] = {
  ...PLACE,
  topic: 'unparsable',
  reason: 'not-json',
  advice: 'The line is not JSON.',
  valueSha256: new Uint8Array(32).fill(0x1a),
  valueLengthBytes: 17,
}

function oracle(type: RiskType): avro.Type {
  const file = type === 'VerdictPublished' ? 'verdict-published' : 'quarantine-published'
  const schema = JSON.parse(readFileSync(join(__dirname, `../../../../schemas/risk/${file}.avsc`), 'utf8')) as avro.Schema
  return avro.Type.forSchema(schema, { wrapUnions: false })
}

describe('the bytes that stay for good', () => {
  it('a verdict', () => {
    expect(toHex(encodeRisk('VerdictPublished', VERDICT))).toMatchInlineSnapshot(
      `"c301f64a72b125700d260494a30100f07ea0899eaac467020192f3c45b6a7c8d9e0fa1b2c3d4e5f6020c612d3032393302a0899eaac46700020402cc0b028be23f373dc65e4abfb2b796d51fd4310420616d6f756e742d646576696174696f6e286c6174652d6e696768742d646576696174696f6e0000009f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f"`,
    )
  })
  it('a refusal', () => {
    expect(toHex(encodeRisk('QuarantinePublished', QUARANTINE))).toMatchInlineSnapshot(
      `"c301383c70c54aec26520494a30112f07ea0899eaac46700000000106e6f742d6a736f6e2a546865206c696e65206973206e6f74204a534f4e2e1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a22"`,
    )
  })
})

describe.each<[RiskType, RiskInputs[RiskType]]>([
  ['VerdictPublished', VERDICT],
  ['QuarantinePublished', QUARANTINE],
])('%s', (type, event) => {
  it('is read back by us and by any Avro reader', () => {
    const framed = encodeRisk(type, event)
    expect(decodeRisk(type, framed)).toMatchObject({ kind: 'decoded', event })
    const read = oracle(type).fromBuffer(Buffer.from(framed.subarray(10))) as Record<string, unknown>
    expect(read).toMatchObject({ partition: 2, sequence: 10_442, topic: event.topic, offset: 8_120 })
    const artifact = schemaArtifacts().find(({ name }) => name === `riskledger.risk.${type}`)
    expect(toHex(framed.subarray(2, 10))).toBe(artifact?.fingerprint)
  })

  it('is refused where it is cut, altered in its header, too large or of the other type', () => {
    const framed = encodeRisk(type, event)
    for (let length = 0; length < framed.length; length++) expect(decodeRisk(type, framed.subarray(0, length)).kind).toBe('rejected')
    expect(decodeRisk(type, Uint8Array.from([...framed, 0]))).toMatchObject({ kind: 'rejected', reason: 'trailing-bytes' })
    expect(decodeRisk(type, new Uint8Array(65_537))).toMatchObject({ kind: 'rejected', reason: 'oversized' })
    const other = type === 'VerdictPublished' ? 'QuarantinePublished' : 'VerdictPublished'
    expect(decodeRisk(other, framed)).toMatchObject({ kind: 'rejected', reason: 'unknown-schema' })
    expect(RISK_TOPICS[type]).not.toBe(RISK_TOPICS[other])
  })

  it('is not written with what its schema does not allow', () => {
    expect(() => encodeRisk(type, { ...event, sequence: 0 })).toThrow('sequence is 0')
    expect(() => encodeRisk(type, { ...event, accountId: 'a\u0000b' })).toThrow('accountId')
  })
})

it('every raw topic can be named', () => {
  expect(PUBLISHED_TOPICS).toEqual([...RAW_TOPICS, 'unknown'])
})

it('every reason has words that fit into a message, and an unknown one is named', () => {
  for (const reason of QUARANTINE_REASONS) {
    const { meaning, repair } = adviceFor(reason)
    expect(Buffer.byteLength(`${meaning}. ${repair}.`)).toBeLessThan(512)
    expect(meaning).not.toMatch(/\.$/)
    expect(meaning).not.toContain('no words for')
  }
  expect(adviceFor('toString').meaning).toContain('toString')
})
