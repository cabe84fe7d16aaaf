import { RiskError } from '@riskledger/contracts'
import { loadConfiguration } from './load-configuration'
import { SETTINGS } from './settings'

function refusalOf(run: () => unknown): RiskError {
  try {
    run()
  } catch (error) {
    if (error instanceof RiskError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('loadConfiguration', () => {
  test('has a default for everything that needs one', () => {
    const { settings, origins } = loadConfiguration({ flags: {}, environment: {} })
    expect(settings).toEqual({
      dataDir: '.riskledger',
      logLevel: 'warn',
      ledgerPort: 0,
      gatewayHost: '127.0.0.1',
      gatewayPort: 8080,
      gatewayAuth: 'on',
      healthHost: '127.0.0.1',
    })
    expect(origins.dataDir).toBe('default')
  })

  test('a flag wins over a variable, a variable over the default', () => {
    const environment = { RISKLEDGER_DATA_DIR: 'from-variable', RISKLEDGER_PARTITIONS: '4' }
    const { settings, origins } = loadConfiguration({ flags: { dataDir: 'from-flag', demo: true }, environment })
    expect(settings).toMatchObject({ dataDir: 'from-flag', partitions: 4 })
    expect(origins).toMatchObject({ dataDir: '--data-dir', partitions: 'RISKLEDGER_PARTITIONS' })
  })

  test.each(['h:1', 'h:65535', 'one:9092,two:9093'])('brokers at %s are taken', (kafka) => {
    expect(loadConfiguration({ flags: { kafka }, environment: {} }).settings.kafka).toBe(kafka)
  })

  test('an empty variable counts as not given', () => {
    expect(loadConfiguration({ flags: {}, environment: { RISKLEDGER_DATA_DIR: '' } }).settings.dataDir).toBe('.riskledger')
  })

  test('names the variables that it does not know', () => {
    const variables = { RISKLEDGER_PARTITIONS: '4', RISKLEDGER_CHALLENGE_SECRET: 'a secret' }
    const { unknownVariables } = loadConfiguration({ flags: {}, environment: { ...variables, RISKLEDGER_PARTITION: '4', PATH: '/bin' } })
    expect(unknownVariables).toEqual(['RISKLEDGER_PARTITION'])
  })

  test.each([
    ['partitions', '0', 'partitions is "0" (from --partitions); allowed: a whole number from 1 to 1024.'],
    ['partitions', '1.5', 'partitions is "1.5" (from --partitions); allowed: a whole number from 1 to 1024.'],
    ['partitions', 'many', 'partitions is "many" (from --partitions); allowed: a whole number from 1 to 1024.'],
    ['partitions', '', 'partitions is "" (from --partitions); allowed: a whole number from 1 to 1024.'],
    ['logLevel', 'loud', 'log-level is "loud" (from --log-level); allowed: debug, info, warn, error or silent.'],
    ['ledgerPort', '65536', 'ledger-port is "65536" (from --ledger-port); allowed: a whole number from 0 to 65535.'],
    ['ledgerPort', '', 'ledger-port is "" (from --ledger-port); allowed: a whole number from 0 to 65535.'],
    ['prefix', 'Prod-1', 'prefix is "Prod-1" (from --prefix); allowed: a lower-case letter and up to 19 lower-case letters or digits.'],
    ['dataDir', '', 'data-dir is "" (from --data-dir); allowed: a path to a folder.'],
    ['policy', '', 'policy is "" (from --policy); allowed: a path to a policy file.'],
    ['kafka', 'h:0', 'kafka is "h:0" (from --kafka); allowed: up to 32 host:port, ports 1 to 65535, separated by commas.'],
    [
      'kafka',
      'h:9092,h:99999',
      'kafka is "h:9092,h:99999" (from --kafka); allowed: up to 32 host:port, ports 1 to 65535, separated by commas.',
    ],
    [
      'ledger',
      'eventstore://admin:changeit@h:2113',
      'ledger is "eventstore://***@h:2113" (from --ledger); allowed: a connection string such as esdb://127.0.0.1:2113?tls=false.',
    ],
    [
      'schemaRegistry',
      'http://admin:changeit@h',
      'schema-registry is "http://***@h" (from --schema-registry); allowed: an http or https address without user and password.',
    ],
  ])('refuses %s = %p', (name, value, message) => {
    const error = refusalOf(() => loadConfiguration({ flags: { [name]: value }, environment: {} }))
    expect(error).toMatchObject({ code: 'configuration-invalid', retriable: false, message })
  })

  test('names every wrong setting at once, and where it came from', () => {
    const error = refusalOf(() => loadConfiguration({ flags: { logLevel: 'loud' }, environment: { RISKLEDGER_PARTITIONS: '-1' } }))
    expect(error.message.split('\n')).toEqual([
      'partitions is "-1" (from RISKLEDGER_PARTITIONS); allowed: a whole number from 1 to 1024.',
      'log-level is "loud" (from --log-level); allowed: debug, info, warn, error or silent.',
    ])
  })

  test('flags and variables are named after their settings', () => {
    for (const [name, { flag, variable }] of Object.entries(SETTINGS)) {
      expect(flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())).toBe(name)
      expect(variable).toBe(`RISKLEDGER_${flag.replaceAll('-', '_').toUpperCase()}`)
    }
  })
})
