import { findTestBroker, type FindTestBrokerOptions } from './find-test-broker'

const started = (name: string) => async () => ({ brokers: [name], close: async () => undefined })
const nothing: FindTestBrokerOptions = {
  environment: {},
  hasEngine: () => false,
  canRunJars: () => false,
  startContainer: started('container:1'),
  startFromJars: started('jars:1'),
}

test.each<[string, FindTestBrokerOptions, readonly string[]]>([
  [
    'the named brokers come first',
    { environment: { RISKLEDGER_KAFKA_BROKERS: 'a:1, b:2' }, hasEngine: () => true, canRunJars: () => true },
    ['a:1', 'b:2'],
  ],
  ['then a container', { hasEngine: () => true, canRunJars: () => true }, ['container:1']],
  ['then the jars', { canRunJars: () => true }, ['jars:1']],
  [
    'an engine that fails does not hold the jars back',
    { hasEngine: () => true, canRunJars: () => true, startContainer: () => Promise.reject(new Error('no image')) },
    ['jars:1'],
  ],
  ['an empty variable names no broker', { environment: { RISKLEDGER_KAFKA_BROKERS: ' ' }, canRunJars: () => true }, ['jars:1']],
])('%s', async (_, options, brokers) => {
  const found = await findTestBroker({ ...nothing, ...options })
  expect(found).toMatchObject({ kind: 'found', brokers })
})

test('without any, says what would help', async () => {
  expect(await findTestBroker(nothing)).toEqual({
    kind: 'skipped',
    reason: 'skipped: no Kafka broker to be had (set RISKLEDGER_KAFKA_BROKERS, start a container engine, or install Maven and Java 17)',
  })
})

test('in continuous integration nothing is skipped', async () => {
  await expect(findTestBroker({ ...nothing, environment: { CI: 'true' } })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringMatching(/^no Kafka broker to be had .*under CI=true this is a failure\.$/),
  })
})

test('a broker that does not start is a failure, not a skip', async () => {
  const startFromJars = () => Promise.reject(new Error('no heap'))
  await expect(findTestBroker({ ...nothing, canRunJars: () => true, startFromJars })).rejects.toThrow('no heap')
})
