import { EVENT_TOPICS } from '@riskledger/events'
import { MemoryEventLog, MemoryLedger } from '@riskledger/testing'
import { GatewayBench, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

type Json = { readonly [name: string]: Json } & { readonly $ref?: string }

/** Every `$ref` anywhere in a document. */
function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => (name === '$ref' ? [String(member)] : referencesIn(member)))
}

test('the API describes itself in OpenAPI 3.1, events and all', async () => {
  await bench.open()
  const { body } = await bench.get('/openapi.json')
  const { openapi, paths, components } = body as unknown as {
    openapi: string
    paths: Json
    components: { schemas: Json; securitySchemes: Json }
  }
  expect(openapi).toBe('3.1.0')
  expect(Object.keys(paths).sort()).toEqual(
    [
      ...EVENT_TOPICS.map((topic) => `/v1/events/${topic}`),
      '/v1/events:validate',
      '/v1/decisions',
      '/v1/decisions/{eventId}',
      '/health/live',
      '/health/ready',
      '/metrics',
    ].sort(),
  )
  expect(components.schemas.Payment).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: { amountMinor: { minimum: 0 } },
  })
  expect(components.schemas.Decision).toMatchObject({ properties: { fallback: { type: 'boolean' } } })
  const references = referencesIn(body)
  expect(references.length).toBeGreaterThan(20)
  for (const reference of references) expect(Object.keys(components.schemas)).toContain(reference.replace('#/components/schemas/', ''))
  expect(paths['/v1/events/payments'].post).toMatchObject({
    requestBody: {
      content: { 'application/json': { schema: { oneOf: [{ $ref: '#/components/schemas/Payment' }, { type: 'array', maxItems: 1000 }] } } },
    },
    responses: { '202': {}, '4XX': {}, '5XX': {} },
  })
})

test('metrics count requests, events and decisions', async () => {
  await bench.open()
  await bench.post('/v1/events/payments', [payment(1), payment(2)])
  await bench.decide(payment(3), 10)
  const { body } = await bench.get('/metrics')
  expect(body['text']).toContain('riskledger_gateway_events_total{topic="payments"} 2')
  expect(body['text']).toContain('riskledger_gateway_decisions_total{kind="challenge",fallback="true"} 1')
  expect(body['text']).toContain('riskledger_gateway_requests_total{route="/v1/decisions",status="200"} 1')
})

test('being ready, it says where the log and the journal end', async () => {
  await bench.open()
  expect(await bench.get('/health/ready')).toMatchObject({
    status: 200,
    body: { checks: { log: { status: 'passing', detail: 'partition 0 of the topic "answers" ends at 0' } } },
  })
})

describe('the gateway is not ready', () => {
  test('while the log does not answer', async () => {
    const log = new MemoryEventLog()
    bench = new GatewayBench(log)
    await bench.open()
    log.range = () => Promise.reject(new Error('no broker answers'))
    expect(await bench.get('/health/ready')).toMatchObject({
      status: 503,
      body: { checks: { log: { status: 'failing', detail: 'no broker answers' } } },
    })
    expect(await bench.get('/health/live')).toMatchObject({ status: 200 })
  })

  test('while the ledger does not answer', async () => {
    const ledger = new MemoryLedger()
    bench = new GatewayBench(new MemoryEventLog(), ledger)
    await bench.open()
    ledger.readStream = () => {
      throw new Error('no ledger answers')
    }
    expect(await bench.get('/health/ready')).toMatchObject({
      status: 503,
      body: { checks: { ledger: { status: 'failing' }, log: { status: 'passing' } } },
    })
  })

  test('while a subscription is behind', async () => {
    const ledger = new MemoryLedger()
    ledger.subscribeToStream = async function* (_stream, { signal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      yield* []
    }
    bench = new GatewayBench(new MemoryEventLog(), ledger)
    await bench.open()
    expect(await bench.get('/health/ready')).toMatchObject({
      status: 503,
      body: { checks: { subscriptions: { status: 'failing', detail: 'partitions 0 are not caught up' } } },
    })
  })
})

test('a journal that cannot be read ends the gateway, and says where', async () => {
  const ledger = new MemoryLedger()
  bench = new GatewayBench(new MemoryEventLog(), ledger)
  await bench.open()
  const entry = {
    id: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    type: 'SegmentOpened',
    contentType: 'json',
    data: Buffer.from('{}'),
    metadata: Buffer.from('{}'),
  } as const
  await ledger.append('screening-000.0000', 'no-stream', [entry])
  await expect(bench.gateway.failed).rejects.toMatchObject({
    code: 'ledger-corrupt',
    context: { stream: 'screening-000.0000', revision: 0 },
  })
})
