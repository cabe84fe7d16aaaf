import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { GatewayBench, NOW_MS, policyOf } from '@riskledger/gateway/src/testing/gateway-bench'
import { connectDecisions, connectHttpPublisher, memorySequences, type EventDraft } from './index'

const { eventId: _id, eventTimeMs: _time, source: _source, ...PAYMENT } = MINIMAL_EVENTS.payments
const DRAFT: EventDraft<'payments'> = { ...PAYMENT, eventTimeMs: NOW_MS }

let bench: GatewayBench
let server: Server | null
beforeEach(() => {
  bench = new GatewayBench()
  server = null
})
afterEach(async () => {
  await bench.close()
  server?.closeAllConnections()
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)))
})

/** A server that answers as told; its address. */
async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function published(): Promise<readonly { readonly topic: string; readonly event: Record<string, unknown> }[]> {
  const found = []
  for (const topic of ['payments', 'logins'] as const) {
    const { records } = await bench.log.fetch({ topic, partition: 0, fromOffset: 0, maxRecords: 5_000, maxBytes: 1e9 })
    for (const { value } of records) {
      const decoded = decodeRaw(topic, value)
      if (decoded.kind === 'decoded') found.push({ topic, event: decoded.event as unknown as Record<string, unknown> })
    }
  }
  return found
}

describe('a publisher over HTTP', () => {
  test('puts events into the log, stamped and numbered, in order', async () => {
    const { url } = await bench.open()
    const publisher = await connectHttpPublisher({ url, apiKey: bench.publisher.key, source: 'shop', sequences: memorySequences(41) })
    const receipts = await Promise.all(
      Array.from({ length: 1_200 }, (_, i) => publisher.payments.publish({ ...DRAFT, paymentId: `p-${i}` })),
    )
    await publisher.logins.publish({ ...MINIMAL_EVENTS.logins, eventTimeMs: NOW_MS })
    await publisher.close()
    expect(receipts.map(({ offset }) => offset)).toEqual(receipts.map((_, i) => i))
    const events = await published()
    expect(events).toHaveLength(1_201)
    expect(events.map(({ event }) => event['sourceSequence'])).toEqual(events.map((_, i) => 41 + i))
    expect(events[0]).toMatchObject({ topic: 'payments', event: { source: 'shop', paymentId: 'p-0', eventTimeMs: NOW_MS } })
  })

  test('keeps order across topics', async () => {
    const { url } = await bench.open()
    const publisher = await connectHttpPublisher({ url, apiKey: bench.publisher.key, source: 'shop', lingerMs: 50 })
    const { eventId: _login, ...login } = MINIMAL_EVENTS.logins
    await Promise.all([publisher.payments.publish(DRAFT), publisher.logins.publish(login), publisher.payments.publish(DRAFT)])
    await publisher.close()
    const events = await published()
    expect(events.map(({ topic, event }) => [topic, event['sourceSequence']])).toEqual([
      ['payments', 1],
      ['payments', 3],
      ['logins', 2],
    ])
  })

  test('refuses a bad event before anything is sent, and uses up no number', async () => {
    const { url } = await bench.open()
    const publisher = await connectHttpPublisher({ url, apiKey: bench.publisher.key, source: 'shop' })
    await expect(publisher.payments.publish({ ...DRAFT, amountMinor: -1 })).rejects.toMatchObject({
      code: 'input-rejected',
      context: { field: 'amountMinor' },
    })
    await publisher.payments.publish(DRAFT)
    await publisher.close()
    expect(await published()).toMatchObject([{ event: { sourceSequence: 1 } }])
    await expect(publisher.payments.publish(DRAFT)).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('is told of a wrong key, and of a full queue', async () => {
    const { url } = await bench.open()
    const publisher = await connectHttpPublisher({ url, apiKey: 'rlk_wrong', source: 'shop', maxQueuedEvents: 1, lingerMs: 50 })
    const first = publisher.payments.publish(DRAFT)
    await expect(publisher.payments.publish(DRAFT)).rejects.toMatchObject({ code: 'limit-reached', retriable: true })
    await expect(first).rejects.toMatchObject({ code: 'configuration-invalid', context: { status: 401 } })
    await publisher.close()
  })

  test('waits as a gateway asks it to, and sends the same again', async () => {
    const bodies: string[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        bodies.push(body)
        if (bodies.length === 1) response.writeHead(429, { 'retry-after': '1' }).end('{"detail":"slower"}')
        else if (bodies.length === 2) request.socket.destroy()
        else response.writeHead(202).end('[{"topic":"payments","partition":3,"offset":9}]')
      })
    })
    const publisher = await connectHttpPublisher({ url, source: 'shop', retryMs: 1 })
    const startedAtMs = performance.now()
    expect(await publisher.payments.publish(DRAFT)).toEqual({ topic: 'payments', partition: 3, offset: 9 })
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(990)
    expect(new Set(bodies).size).toBe(1)
    await publisher.close()
  })

  test('gives up in time, and says which event it was', async () => {
    const url = await serve((_request, response) => response.writeHead(503).end())
    const publisher = await connectHttpPublisher({ url, source: 'shop', retryMs: 1, deliveryTimeoutMs: 20 })
    const refused = await publisher.payments.publish(DRAFT).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'log-unavailable',
      retriable: true,
      context: { eventTimeMs: NOW_MS, sourceSequence: 1, eventId: expect.any(String) },
    })
    await publisher.close()
  })

  test('of a batch, what a newer gateway refuses is refused alone', async () => {
    const counts: number[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        const events = JSON.parse(body) as unknown[]
        counts.push(events.length)
        const errors = [{ index: 1, field: 'kind', code: 'unknown-symbol', reason: 'kind is no more' }]
        if (counts.length === 1) response.writeHead(422).end(JSON.stringify({ code: 'event-rejected', detail: 'one is bad', errors }))
        else response.writeHead(202).end(JSON.stringify(events.map((_, offset) => ({ partition: 0, offset }))))
      })
    })
    const publisher = await connectHttpPublisher({ url, source: 'shop', lingerMs: 20 })
    const results = await Promise.allSettled([1, 2, 3].map(() => publisher.payments.publish(DRAFT)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'input-rejected', message: 'kind is no more', context: { field: 'kind' } } })
    expect(counts).toEqual([3, 2])
    await publisher.close()
  })

  test.each(['ftp://x', 'kafka:9092', ''])('"%s" is no address', async (url) => {
    await expect(connectHttpPublisher({ url, source: 'shop' })).rejects.toMatchObject({ code: 'configuration-invalid' })
  })
})

describe('decisions over HTTP', () => {
  const HOLD_ALL = policyOf((yaml) =>
    yaml.replace('payments: { challenge: 300, hold: 500, block: 800 }', 'payments: { challenge: 1, hold: 1, block: 1001 }'),
  )

  test('a verdict comes back, the same again for the same event', async () => {
    const { url } = await bench.open()
    await bench.screen({ policy: HOLD_ALL })
    const decisions = await connectDecisions({ url, apiKey: bench.publisher.key, source: 'shop' })
    const draft = { ...DRAFT, eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000001', payerNameMatch: 'mismatch' as const }
    const first = await decisions.decide('payments', draft, { deadlineMs: 5_000 })
    expect(first).toMatchObject({ kind: 'hold', fallback: false, reasonCodes: expect.arrayContaining(['payer-name-mismatch']) })
    const again = await decisions.decide('payments', draft, { deadlineMs: 5_000 })
    expect(again).toMatchObject({ kind: 'hold', decisionId: first.decisionId, sequence: first.sequence })
  })

  test('without a screener the fallback comes back, and says so', async () => {
    const { url } = await bench.open()
    const decisions = await connectDecisions({ url, apiKey: bench.publisher.key, source: 'shop', sequences: memorySequences(7) })
    expect(await decisions.decide('payments', DRAFT, { deadlineMs: 20 })).toMatchObject({
      kind: 'challenge',
      fallback: true,
      status: 'pending',
    })
    expect(await published()).toMatchObject([{ event: { sourceSequence: 7 } }])
  })

  test('what can be no event is refused before anything is sent; other content under the same id is refused by the gateway', async () => {
    const { url } = await bench.open()
    await bench.screen()
    const decisions = await connectDecisions({ url, apiKey: bench.publisher.key, source: 'shop' })
    await expect(decisions.decide('payments', { ...DRAFT, currency: 'usd' })).rejects.toMatchObject({
      code: 'input-rejected',
      context: { field: 'currency' },
    })
    const draft = { ...DRAFT, eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000001' }
    await decisions.decide('payments', draft, { deadlineMs: 5_000 })
    await expect(decisions.decide('payments', { ...draft, amountMinor: 1 })).rejects.toMatchObject({
      code: 'input-rejected',
      context: { status: 409, problem: 'conflicting' },
    })
  })

  test('asks again with the same event while the gateway is busy, and then says that it is', async () => {
    const bodies: string[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        bodies.push(body)
        response.writeHead(503).end()
      })
    })
    const decisions = await connectDecisions({ url, source: 'shop', retryForMs: 300 })
    await expect(decisions.decide('payments', DRAFT)).rejects.toMatchObject({
      code: 'log-unavailable',
      retriable: true,
      context: { eventId: expect.any(String) },
    })
    expect(bodies.length).toBeGreaterThan(1)
    expect(new Set(bodies).size).toBe(1)
  })
})
