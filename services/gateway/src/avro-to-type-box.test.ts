import type { EventTopic } from '@riskledger/contracts'
import { EVENT_TOPICS, validateRaw } from '@riskledger/events'
import { FULL_EVENTS, MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { Ajv2020 } from 'ajv/dist/2020'
import { avroToTypeBox } from './avro-to-type-box'
import { readRawSchemas } from './raw-schemas'

const SCHEMAS = readRawSchemas()
/** Formats are left to the patterns beside them. */
const ajv = new Ajv2020({ allErrors: true, strictSchema: false, validateFormats: false })

describe.each(EVENT_TOPICS)('the schema of %s', (topic: EventTopic) => {
  const schema = SCHEMAS[topic]
  const validate = ajv.compile(schema)
  const [example] = schema.examples as readonly object[]

  test('gives an example that the checks of events take', () => {
    expect(validateRaw(topic, example)).toMatchObject({ kind: 'accepted' })
  })

  test('describes every field with an example of its own', () => {
    for (const [name, field] of Object.entries(schema.properties)) {
      expect(field.description).toMatch(/\w/)
      expect(validateRaw(topic, { ...example, [name]: (field.examples as readonly unknown[])[0] })).toMatchObject({ kind: 'accepted' })
    }
  })

  test('takes what the checks take: the least and the most that an event has', () => {
    for (const good of [MINIMAL_EVENTS[topic], FULL_EVENTS[topic], example]) {
      validate(good)
      expect(validate.errors).toBeNull()
    }
  })

  test('refuses, as the checks do, a missing, a foreign and a wrong member', () => {
    const { accountId: _left, ...without } = MINIMAL_EVENTS[topic]
    for (const bad of [
      without,
      { ...MINIMAL_EVENTS[topic], foreign: 1 },
      { ...MINIMAL_EVENTS[topic], accountId: '' },
      { ...MINIMAL_EVENTS[topic], eventTimeMs: -1 },
    ]) {
      expect(validate(bad)).toBe(false)
      expect(validateRaw(topic, bad)).toMatchObject({ kind: 'rejected' })
    }
  })
})

test('limits, units, rules and symbols of JSON are told', () => {
  const { amountMinor, kind, method, currency, eventTimeMs, productCategory } = SCHEMAS.payments.properties
  expect(amountMinor).toMatchObject({
    type: 'integer',
    minimum: 0,
    maximum: 9_007_199_254_740_991,
    'x-unit': 'minor units of the currency',
    description: expect.stringContaining('Rule: a payment'),
  })
  expect(eventTimeMs).toMatchObject({ 'x-unit': 'milliseconds since 1970, UTC' })
  expect(kind).toMatchObject({ enum: ['purchase', 'transfer', 'deposit', 'withdrawal', 'refund', 'unknown'] })
  expect((method as { enum?: string[] }).enum).toContain('third-party')
  expect(currency).toMatchObject({ pattern: '^[A-Z]{3}$' })
  expect(productCategory).toMatchObject({ anyOf: [{ type: 'string', maxLength: 128 }, { type: 'null' }] })
  expect(SCHEMAS['case-actions'].properties.reason).toMatchObject({ maxLength: 2000 })
  expect(SCHEMAS.payments.required).not.toContain('traceId')
})

test.each([
  ['a float', 'double'],
  ['a union of three', ['null', 'int', 'string']],
  ['an unknown name', 'Somebody'],
  ['fixed bytes', { type: 'fixed', name: 'Hash', size: 32 }],
])('%s is not supported', (_name, type) => {
  expect(() => avroToTypeBox({ name: 'X', doc: 'x', fields: [{ name: 'a', doc: 'a', type }] })).toThrow(TypeError)
})

test('a folder without the schemas is said', () => {
  expect(() => readRawSchemas('/nowhere')).toThrow(expect.objectContaining({ code: 'file-not-found' }))
})
