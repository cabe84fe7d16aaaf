import { NO_BROKER, whyNoBroker } from './why-no-broker'

const NOTHING = { environment: {}, hasEngine: () => false, canRunJars: () => false }

test('without any broker, says why before a test is declared', () => {
  expect(whyNoBroker(NOTHING)).toBe(NO_BROKER)
  expect(NO_BROKER).toMatch(/^skipped: /)
})

test.each([
  ['a broker that is named', { environment: { RISKLEDGER_KAFKA_BROKERS: 'a:1' } }],
  ['an engine that may answer', { hasEngine: () => true }],
  ['jars that can be run', { canRunJars: () => true }],
  ['continuous integration', { environment: { CI: 'true' } }],
])('with %s nothing is skipped', (_, options) => {
  expect(whyNoBroker({ ...NOTHING, ...options })).toBeNull()
})

test('an empty variable names no broker', () => {
  expect(whyNoBroker({ ...NOTHING, environment: { RISKLEDGER_KAFKA_BROKERS: ' ' } })).toBe(NO_BROKER)
})
