import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { MemoryEventLog } from '@riskledger/testing'
import { createApiKey } from './api-keys'
import { startGateway } from './start-gateway'
import { GatewayBench, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

/** Sends bytes on a bare socket and resolves to what comes back until it ends. */
async function raw(...parts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(bench.gateway.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
  for (const part of parts) socket.write(part)
  await once(socket, 'close')
  return answer
}

/** A connection whose request the gateway has let in: its head states so many bytes, of which none is sent. */
async function stating(key: string, bytes: number): Promise<Socket> {
  const { hostname, port } = new URL(bench.gateway.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: ${bytes}\r\n\r\n`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1.1 100 /)
  return socket
}

describe('who comes in', () => {
  test.each([
    ['without a key', undefined],
    ['with a key that nobody has', `Bearer ${createApiKey('x', 'publisher').key}`],
    ['with another scheme', 'Basic YTpi'],
    ['with an endless key', `Bearer ${'x'.repeat(600)}`],
  ])('not %s', async (_name, authorization) => {
    await bench.open()
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    const response = await fetch(`${bench.gateway.url}/v1/events/payments`, { method: 'POST', body: JSON.stringify(payment(1)), headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect((await bench.log.range('payments', 0)).end).toBe(0)
  })

  test('a reader may not publish, a publisher may not read', async () => {
    await bench.open()
    const reads = { authorization: `Bearer ${bench.reader.key}` }
    const writes = { authorization: `Bearer ${bench.publisher.key}` }
    expect(await bench.post('/v1/events/payments', payment(1), reads)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await bench.post('/v1/events:validate?topic=payments', payment(1), reads)).toMatchObject({ status: 403 })
    expect(await bench.post('/v1/decisions', {}, reads)).toMatchObject({ status: 403 })
    expect(await bench.get(`/v1/decisions/${payment(1).eventId}`, writes)).toMatchObject({ status: 403 })
    expect(await bench.get('/metrics', writes)).toMatchObject({ status: 403 })
  })

  test('nobody publishes answers but the gateway', async () => {
    await bench.open()
    expect(await bench.post('/v1/events/answers', {})).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })

  test('everybody where authentication is off, on a loopback address only', async () => {
    await bench.open({ apiKeys: 'off' })
    expect(await bench.post('/v1/events/payments', payment(1), { authorization: '' })).toMatchObject({ status: 202 })
    expect(await bench.get(`/v1/decisions/${payment(1).eventId}`, { authorization: '' })).toMatchObject({ status: 404 })
    await expect(startGateway({ ...bench.options, apiKeys: 'off', host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'configuration-invalid',
    })
  })

  test('health and the description of the API are open', async () => {
    await bench.open()
    const open = { authorization: '' }
    expect(await bench.get('/health/live', open)).toMatchObject({ status: 200 })
    expect(await bench.get('/health/ready', open)).toMatchObject({ status: 200, body: { status: 'passing' } })
    expect(await bench.get('/openapi.json', open)).toMatchObject({ status: 200, body: { openapi: '3.1.0' } })
  })
})

describe('a start is refused', () => {
  test('without a key', async () => {
    await expect(startGateway({ ...bench.options, apiKeys: [] })).rejects.toMatchObject({ code: 'configuration-invalid' })
  })

  test('on a log with other partitions', async () => {
    await expect(startGateway({ ...bench.options, partitionCount: 2 })).rejects.toMatchObject({ code: 'configuration-invalid' })
  })

  test('on an address that is taken', async () => {
    await bench.open()
    const port = Number(new URL(bench.gateway.url).port)
    await expect(startGateway({ ...bench.options, port })).rejects.toMatchObject({
      code: 'configuration-invalid',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })
})

/** So many payments. */
function many(count: number): readonly object[] {
  return Array.from({ length: count }, (_, i) => payment(i))
}

describe('how much', () => {
  test('a key may send so many events a second, and is told when it may again', async () => {
    await bench.open({ limits: { eventsPerSecond: 10, burstEvents: 1_000 } })
    expect(await bench.post('/v1/events/payments', many(995))).toMatchObject({ status: 202 })
    const refused = await bench.post('/v1/events/payments', many(995))
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited', detail: expect.stringContaining('10 events a second') } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(90)
    expect((await bench.log.range('payments', 0)).end).toBe(995)
    // The reader's key has a bucket of its own.
    expect(await bench.get(`/v1/decisions/${payment(1).eventId}`)).toMatchObject({ status: 404 })
  })

  test('a key with a limit of its own has that', async () => {
    await bench.open({ apiKeys: [{ ...bench.publisher.record, eventsPerSecond: 7 }], limits: { burstEvents: 1_000 } })
    await bench.post(
      '/v1/events/payments',
      Array.from({ length: 1_000 }, (_, i) => payment(i)),
    )
    expect(
      await bench.post(
        '/v1/events/payments',
        Array.from({ length: 500 }, () => ({})),
      ),
    ).toMatchObject({
      status: 429,
      body: { detail: expect.stringContaining('7 events a second') },
    })
  })

  test('a body that cannot be read costs as much as one that can', async () => {
    await bench.open({ limits: { eventsPerSecond: 1, burstEvents: 1_000 } })
    await bench.post('/v1/events/payments', many(990))
    const status = async (path: string): Promise<number> => (await bench.post(path, '{"a":')).status
    for (let i = 0; i < 10; i++) expect(await status(i % 2 === 0 ? '/v1/decisions' : '/v1/events/payments')).toBe(400)
    let last = 400
    while (last === 400) last = await status('/v1/decisions')
    expect(last).toBe(429)
  })

  test.each(['/v1/events/payments', '/v1/events:validate?topic=payments'])(
    'a list at %s beyond what a request may hold is refused as that, and costs no more than any body',
    async (path) => {
      await bench.open({ limits: { eventsPerSecond: 1, burstEvents: 1_000 } })
      const tooMany = Array.from({ length: 1_001 }, () => 0)
      for (let i = 0; i < 3; i++)
        expect(await bench.post(path, tooMany)).toMatchObject({
          status: 400,
          body: { code: 'body-invalid', detail: expect.stringContaining('a list has 1 to 1000') },
        })
      expect((await bench.post('/v1/events/payments', many(990))).status).toBe(202)
    },
  )

  test('an empty bucket refuses on the head alone, before a body is sent', async () => {
    await bench.open({ limits: { eventsPerSecond: 1, burstEvents: 1_000 } })
    await bench.post(
      '/v1/events/payments',
      Array.from({ length: 1_000 }, (_, i) => payment(i)),
    )
    const head = `POST /v1/events/payments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.publisher.key}\r\ncontent-type: application/json\r\ncontent-length: 900000\r\nconnection: close\r\n\r\n`
    expect(await raw(head)).toMatch(/^HTTP\/1.1 429 .*\r\n[^]*rate-limited/)
  })

  test('bodies under way are bounded before they are read', async () => {
    await bench.open({ limits: { maxBodyBytes: 1_000_000, maxPendingBytes: 1_500_000, requestTimeoutMs: 60_000 } })
    const { hostname, port } = new URL(bench.gateway.url)
    const slow = connect(Number(port), hostname)
    await once(slow, 'connect')
    slow.write(
      `POST /v1/events/payments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.publisher.key}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n[`,
    )
    const stated = `POST /v1/events/payments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.publisher.key}\r\ncontent-type: application/json\r\ncontent-length: 900000\r\nconnection: close\r\n\r\n`
    let answer = ''
    while (!answer.startsWith('HTTP/1.1 429')) answer = await raw(stated)
    expect(answer).toMatch(/retry-after: 1\r\n[^]*overloaded/)
    // What is under way goes, and there is room again.
    slow.destroy()
    await once(slow, 'close')
    for (;;) if ((await bench.post('/v1/events/payments', payment(1))).status === 202) break
  })

  test('of several keys one has half of what may be under way, and the others come in still', async () => {
    const other = createApiKey('wallet', 'publisher')
    const limits = { maxBodyBytes: 1_000_000, maxPendingBytes: 4_000_000, requestTimeoutMs: 60_000 }
    await bench.open({ limits, apiKeys: [bench.publisher.record, other.record] })
    const slow = await Promise.all([stating(bench.publisher.key, 1_000_000), stating(bench.publisher.key, 1_000_000)])
    expect(await bench.post('/v1/events/payments', payment(1))).toMatchObject({
      status: 429,
      body: {
        code: 'overloaded',
        detail: expect.stringMatching(/2000000 bytes of the key "checkout".*the share of one key is 1024 and 2000000/),
      },
    })
    expect((await bench.post('/v1/events/payments', payment(1), { authorization: `Bearer ${other.key}` })).status).toBe(202)
    for (const socket of slow) socket.destroy()
    while ((await bench.post('/v1/events/payments', payment(2))).status !== 202);
  })

  test.each(['alone', 'off'] as const)('a key has all of it where it is the only one (%s)', async (keys) => {
    const limits = { maxBodyBytes: 1_000_000, maxPendingBytes: 3_000_000, requestTimeoutMs: 60_000 }
    await bench.open({ limits, apiKeys: keys === 'off' ? 'off' : [bench.publisher.record] })
    const slow = await Promise.all([stating(bench.publisher.key, 1_000_000), stating(bench.publisher.key, 1_000_000)])
    expect((await bench.post('/v1/events/payments', payment(1))).status).toBe(202)
    for (const socket of slow) socket.destroy()
  })

  test('of several keys one has half of the requests under way', async () => {
    await bench.open({ limits: { maxPendingRequests: 3, requestTimeoutMs: 60_000 } })
    const slow = await Promise.all([stating(bench.publisher.key, 10), stating(bench.publisher.key, 10)])
    expect(await bench.decide(payment(1), 10)).toMatchObject({
      status: 429,
      body: { code: 'overloaded', detail: expect.stringContaining('the share of one key is 2 and ') },
    })
    expect((await bench.get('/metrics')).status).toBe(200)
    for (const socket of slow) socket.destroy()
  })

  test('requests under way are bounded in number', async () => {
    await bench.open({ limits: { maxPendingRequests: 1 } })
    const first = bench.decide(payment(1), 500)
    await bench.log.changed(1_000)
    expect(await bench.decide(payment(2), 500)).toMatchObject({ status: 429, body: { code: 'overloaded' } })
    await first
  })

  test('callers who wait for a verdict are bounded', async () => {
    await bench.open({ limits: { maxWaitingDecisions: 1 } })
    const first = bench.decide(payment(1), 500)
    await bench.log.changed(1_000)
    const refused = await bench.decide(payment(2), 500)
    expect(refused).toMatchObject({ status: 429, body: { code: 'overloaded' } })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await first).body).toMatchObject({ fallback: true })
    expect((await bench.log.range('payments', 0)).end).toBe(1)
  })

  test('events that wait for the log are bounded', async () => {
    const log = new MemoryEventLog()
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const append = log.append.bind(log)
    let sent: () => void = () => undefined
    const first = new Promise<void>((resolve) => (sent = resolve))
    log.append = async (records) => {
      sent()
      await held
      return append(records)
    }
    bench = new GatewayBench(log)
    await bench.open({ limits: { maxPendingAppendBytes: 1 } })
    const taken = bench.post('/v1/events/payments', payment(1))
    await first
    expect(await bench.post('/v1/events/payments', payment(2))).toMatchObject({ status: 429, body: { code: 'overloaded' } })
    release()
    expect((await taken).status).toBe(202)
    expect(await bench.post('/v1/events/payments', payment(2))).toMatchObject({ status: 202 })
  })
})

describe('bytes that are no request', () => {
  test('are refused as a problem', async () => {
    await bench.open()
    expect(await raw('GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*application\/problem\+json[^]*request-invalid/)
  })

  test('that come too slowly are refused', async () => {
    await bench.open({ limits: { requestTimeoutMs: 100 } })
    expect(await raw('POST /v1/decisions HTTP/1.1\r\nhost: x\r\n')).toMatch(/^HTTP\/1.1 408 [^]*request-too-slow/)
  })

  test.each([
    ['an unknown place', '/v2/anything', 404, 'not-found'],
    ['an unknown topic', '/v1/events/unparsable', 404, 'not-found'],
    ['a broken path', '/v1/decisions/%zz', 400, 'request-invalid'],
  ])('%s is a problem', async (_name, path, status, code) => {
    await bench.open()
    expect(await bench.post(path, {})).toMatchObject({ status, body: { code } })
  })
})

describe('leaving', () => {
  test('answers who waits, puts what was said into the log, and refuses who comes after', async () => {
    await bench.open()
    const waiting = bench.decide(payment(1), 300)
    await bench.log.changed(1_000)
    const startedAtMs = performance.now()
    const leaving = bench.gateway.close()
    await expect(bench.decide(payment(2))).rejects.toThrow()
    expect((await waiting).body).toMatchObject({ fallback: true })
    await leaving
    // Not the whole drain of 15 s: nobody is left.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000)
    expect((await bench.log.range('answers', 0)).end).toBe(1)
    await bench.gateway.close()
  })

  test('refuses what comes on a connection that is open still', async () => {
    await bench.open()
    const head = (event: number, extra: string): string => {
      const body = JSON.stringify({ topic: 'payments', event: payment(event), deadlineMs: 200 })
      return `POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.publisher.key}\r\ncontent-type: application/json\r\n${extra}content-length: ${body.length}\r\n\r\n${body}`
    }
    const answer = raw(head(1, ''), head(2, ''))
    await bench.log.changed(1_000)
    await bench.gateway.close()
    expect(await answer).toMatch(/"fallback":true/)
  })

  test('waits for the append of a decision whose body came after it began', async () => {
    const log = new MemoryEventLog()
    const order: string[] = []
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const append = log.append.bind(log)
    log.append = async (records) => {
      if (records[0].topic === 'payments') {
        await held
        order.push('appended')
      }
      return append(records)
    }
    bench = new GatewayBench(log)
    await bench.open()
    const body = JSON.stringify({ topic: 'payments', event: payment(1), deadlineMs: 1 })
    const socket = await stating(bench.publisher.key, body.length)
    const leaving = bench.gateway.close().then(() => order.push('left'))
    socket.write(body)
    let answer = ''
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
    await once(socket, 'close')
    expect(answer).toMatch(/"fallback":true/)
    // What leaves too early has done so by then.
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    release()
    await leaving
    expect(order).toEqual(['appended', 'left'])
  })

  test('cuts off who sends too slowly, after the drain', async () => {
    await bench.open({ limits: { drainTimeoutMs: 50, requestTimeoutMs: 60_000 } })
    const answer = raw(
      `POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.publisher.key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    )
    while ((await bench.get('/health/live')).status !== 200);
    await bench.gateway.close()
    expect(await answer).not.toContain('200 OK')
  })
})
