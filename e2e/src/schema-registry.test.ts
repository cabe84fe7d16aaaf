import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { RiskError, type LogRecord } from '@riskledger/contracts'
import { findTestBroker, freePorts, whyNoBroker, type TestBroker } from '@riskledger/dev-broker'
import { decodeRaw, encodeRaw, EVENT_TOPICS, rawHeader, toHex, validateRaw, type RawInputs } from '@riskledger/events'
import { decodeInputsScreened, readEntry, screeningStream } from '@riskledger/journal'
import { connectLedger } from '@riskledger/ledger'
import { openEventLog } from '@riskledger/runtime'
import { ServiceProcess } from './chaos/service-process'
import { runToEnd } from './run-riskledger'

const PREFIX = `r${randomBytes(6).toString('hex')}`
const PAYMENTS = schemaOf('payments') as { readonly fields: readonly object[] }
/** Payments as they may have been once: their last field, which has a default, is not there yet. */
const EARLIER = { ...PAYMENTS, fields: PAYMENTS.fields.slice(0, -1) }
const OTHER = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'long' }] }
/** Payments as they may be one day: one more field, which has a default. */
const LATER = { ...PAYMENTS, fields: [...PAYMENTS.fields, { name: 'loyaltyTier', type: ['null', 'string'], default: null }] }
/** Of LATER's last field: the second of its types, four letters. */
const GOLD = Buffer.from([2, 8, ...Buffer.from('gold')])
const IDS = { payments: 7, earlier: 8, other: 9, unknown: 10, later: 11 }
/** Records of the first test. */
const FIRST = 6

let broker: TestBroker
let folder: string
let registry: Server
let registryUrl: string
let ledgerUrl: string
const processes: ServiceProcess[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-registry-'))
  broker = await findTestBroker()
  const schemas = new Map<number, object>([
    [IDS.payments, PAYMENTS],
    [IDS.earlier, EARLIER],
    [IDS.later, LATER],
    [IDS.other, OTHER],
    ...EVENT_TOPICS.map((topic, index) => [100 + index, schemaOf(topic)] as const),
  ])
  registry = createServer((request, response) => {
    const schema = schemas.get(Number(request.url!.split('/').at(-1)))
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json')
    if (schema !== undefined) return response.end(JSON.stringify({ schema: JSON.stringify(schema) }))
    response.statusCode = 404
    response.end(JSON.stringify({ error_code: 40403, message: 'Schema not found' }))
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
  registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  if (broker.kind === 'skipped') return
  const [ledgerPort] = (await freePorts(1)) as [number]
  ledgerUrl = `esdb://127.0.0.1:${ledgerPort}?tls=false`
  await start('ledger', ['ledger', '--data-dir', join(folder, 'ledger'), '--partitions', '1', '--ledger-port', String(ledgerPort)])
  await runToEnd(['topics', 'create', '--kafka', broker.brokers.join(','), '--prefix', PREFIX, '--partitions', '1'])
}, 240_000)
afterAll(async () => {
  await Promise.all(processes.map((process) => process.end('SIGKILL')))
  registry.closeAllConnections()
  registry.close()
  if (broker.kind === 'found') await broker.close()
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

/** Skipped by name where there is no broker. */
function withBroker(name: string, body: (brokers: readonly string[]) => Promise<void>): void {
  const skipped = whyNoBroker()
  if (skipped !== null) return void test.skip(`${skipped}: ${name}`, () => undefined)
  test(
    name,
    async () => {
      if (broker.kind === 'skipped') throw new Error(broker.reason)
      await body(broker.brokers)
    },
    180_000,
  )
}

withBroker('through openEventLog, records in the framing of a registry read as those in the single-object encoding', async (brokers) => {
  const published = [
    framed(IDS.payments, payment(0)),
    payment(1),
    framed(IDS.earlier, payment(2).subarray(0, -1)),
    framed(IDS.other, payment(3)),
    framed(IDS.unknown, payment(4)),
    framed(IDS.later, Buffer.concat([payment(5), GOLD])),
  ]
  await publish(brokers, published)
  const [current, single, earlier, other, unknown, later] = await readPayments(brokers, FIRST)
  expect(Buffer.from(current.value)).toEqual(Buffer.from(payment(0)))
  expect(Buffer.from(single.value)).toEqual(Buffer.from(payment(1)))
  // Of publishers that are behind and ahead of this reader: what they lack takes its default, what it does not know is left out.
  expect(Buffer.from(earlier.value)).toEqual(Buffer.from(payment(2)))
  expect(Buffer.from(later.value)).toEqual(Buffer.from(payment(5)))
  expect(decodeRaw('payments', other.value)).toMatchObject({ kind: 'rejected', reason: 'unknown-schema' })
  expect(Buffer.from(unknown.value)).toEqual(Buffer.from(published[4]))
})

withBroker('every raw schema, as a registry holds it, has the fingerprint that its records bear', async (brokers) => {
  await publish(
    brokers,
    EVENT_TOPICS.map((_, index) => framed(100 + index, payment(index))),
  )
  const records = (await readPayments(brokers, FIRST + EVENT_TOPICS.length)).slice(FIRST)
  expect(records.map(({ value }) => toHex(value.subarray(0, 10)))).toEqual(EVENT_TOPICS.map((topic) => toHex(rawHeader(topic))))
})

withBroker(
  'payments in the framing of a registry, of earlier and later versions too, are screened, and the log holds what the journal says',
  async (brokers) => {
    const at = ['--kafka', brokers.join(','), '--ledger', ledgerUrl, '--prefix', PREFIX, '--schema-registry', registryUrl]
    await start('screener', ['screener', '--partitions', '0', '--data-dir', join(folder, 'screener'), ...at])
    const statuses = await journaled(FIRST + EVENT_TOPICS.length)
    expect(statuses.slice(0, FIRST)).toEqual([
      'screened',
      'screened',
      'screened',
      'quarantined: unknown-schema',
      'quarantined: unknown-framing',
      'screened',
    ])
    const verified = await runToEnd<{ faults: unknown[] }>(['verify', '--data-dir', join(folder, 'verify'), ...at])
    expect(verified.faults).toEqual([])
    // Without the registry: the journal holds what was screened.
    const ofLedger = ['--ledger', ledgerUrl, '--prefix', PREFIX]
    const replayed = await runToEnd<{ inputs: number; mismatches: number }>(['replay', '--data-dir', join(folder, 'replay'), ...ofLedger])
    expect(replayed).toMatchObject({ inputs: statuses.length, mismatches: 0 })
  },
)

withBroker('an address that is no registry ends a service at once, by the name of the setting', async (brokers) => {
  const at = ['--kafka', brokers.join(','), '--ledger', ledgerUrl, '--prefix', PREFIX, '--schema-registry', 'http://127.0.0.1:1']
  const screener = new ServiceProcess('screener', ['screener', '--partitions', '0', '--data-dir', join(folder, 'other'), ...at])
  screener.start().ready.catch(() => undefined)
  expect((await screener.whenEnded()).code).toBe(1)
  expect(screener.stderr).toContain('--schema-registry')
})

function schemaOf(topic: string): object {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', 'schemas', 'raw', `${topic}.avsc`), 'utf8')) as object
}

/** A payment in the single-object encoding; its last field is null, which is one byte. */
function payment(number: number): Uint8Array {
  const checked = validateRaw('payments', {
    eventId: `0199b5f0-0000-7000-8000-${String(number).padStart(12, '0')}`,
    accountId: 'a-1',
    eventTimeMs: 1_767_225_600_000 + number * 60_000,
    source: 'test',
    paymentId: `p-${number}`,
    kind: 'purchase',
    phase: 'authorised',
    direction: 'debit',
    amountMinor: 1_000,
    currency: 'USD',
    amountReferenceMinor: 1_000,
    counterpartyId: 'm-1',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'match',
  })
  if (checked.kind === 'rejected') throw new Error(JSON.stringify(checked))
  return encodeRaw('payments', checked.event as RawInputs['payments']).slice()
}

/** The body of a record behind a registry's number. */
function framed(id: number, single: Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return Buffer.concat([header, single.subarray(10)])
}

async function publish(brokers: readonly string[], values: readonly Uint8Array[]): Promise<void> {
  const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer({ idempotent: true })
  await producer.connect()
  try {
    const messages = values.map((value) => ({ partition: 0, key: 'a-1', value: Buffer.from(value) }))
    await producer.send({ topic: `${PREFIX}-raw.payments`, acks: -1, messages })
  } finally {
    await producer.disconnect()
  }
}

async function readPayments(brokers: readonly string[], count: number): Promise<readonly LogRecord[]> {
  const none = (): void => undefined
  const log = await openEventLog(
    {
      kind: 'kafka',
      connection: { brokers, clientId: 'test', prefix: `${PREFIX}-` },
      registry: { url: registryUrl },
    },
    {
      partitionCount: 1,
      access: 'read',
      logger: { debug: none, info: none, warn: none, error: none },
      metrics: { count: none, gauge: none, duration: none },
    },
  )
  try {
    const records: LogRecord[] = []
    while (records.length < count)
      records.push(
        ...(await log.fetch({ topic: 'payments', partition: 0, fromOffset: records.length, maxRecords: 100, maxBytes: 1e6 })).records,
      )
    return records
  } finally {
    await log.close()
  }
}

async function start(name: string, args: readonly string[]): Promise<void> {
  const service = new ServiceProcess(name, args)
  processes.push(service)
  await service.start().ready
}

/** What the journal says of each input, once there are so many. */
async function journaled(count: number): Promise<readonly string[]> {
  const ledger = await connectLedger({ connectionString: ledgerUrl })
  try {
    for (;;) {
      const statuses: string[] = []
      try {
        for await (const recorded of ledger.readStream(screeningStream(0, 0, `${PREFIX}-`), { from: 'start', direction: 'forwards' })) {
          if (recorded.type !== 'InputsScreened') continue
          decodeInputsScreened(readEntry(recorded).data).forEachInput(({ status, reason }) =>
            statuses.push(reason === null ? status : `${status}: ${reason}`),
          )
        }
      } catch (error) {
        if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
      }
      if (statuses.length >= count) return statuses
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    await ledger.close()
  }
}
