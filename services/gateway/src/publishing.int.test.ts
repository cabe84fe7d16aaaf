import { createHash } from 'node:crypto'
import { partitionFor, RiskError } from '@riskledger/contracts'
import { decodeRaw, EVENT_TOPICS } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { MemoryEventLog } from '@riskledger/testing'
import { GatewayBench, NOW_MS, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench(new MemoryEventLog(4))
})
afterEach(() => bench.close())

/** Every record of a topic, over all partitions. */
async function recordsOf(topic: 'payments') {
  const fetched = await Promise.all(
    [0, 1, 2, 3].map((partition) => bench.log.fetch({ topic, partition, fromOffset: 0, maxRecords: 10_000, maxBytes: 1e9 })),
  )
  return fetched.flatMap(({ records }) => records)
}

test.each(EVENT_TOPICS.filter((topic) => topic !== 'answers'))('an event of %s is taken, with a receipt', async (topic) => {
  await bench.open()
  const event = MINIMAL_EVENTS[topic]
  const { status, body } = await bench.post(`/v1/events/${topic}`, event)
  expect(status).toBe(202)
  const partition = partitionFor(Buffer.from(event.accountId), 4)
  const { records } = await bench.log.fetch({ topic, partition, fromOffset: 0, maxRecords: 2, maxBytes: 1e6 })
  const [record] = records
  expect(body).toEqual([{ topic, partition, offset: 0, digest: createHash('sha256').update(record.value).digest('hex') }])
  expect(Buffer.from(record.key!).toString()).toBe(event.accountId)
  expect(record.brokerTimeMs).toBe(NOW_MS)
  expect(decodeRaw(topic, record.value)).toMatchObject({ kind: 'decoded', event: { ...event } })
})

test('a batch of 1,000 is taken, each event by its account, with receipts in order', async () => {
  await bench.open()
  const events = Array.from({ length: 1_000 }, (_, i) => payment(i + 1, { accountId: `a-${i % 37}` }))
  const { status, body } = await bench.post('/v1/events/payments', events)
  expect(status).toBe(202)
  const receipts = body as unknown as readonly { readonly partition: number; readonly offset: number }[]
  expect(receipts).toHaveLength(1_000)
  const records = await recordsOf('payments')
  expect(records).toHaveLength(1_000)
  receipts.forEach(({ partition, offset }, i) => {
    const record = records.find((one) => one.partition === partition && one.offset === offset)!
    expect(decodeRaw('payments', record.value)).toMatchObject({ event: { eventId: events[i].eventId } })
  })
})

describe('all or nothing:', () => {
  test('one bad event refuses its batch and names index, field and reason', async () => {
    await bench.open()
    const events = [payment(1), payment(2, { amountMinor: -500 }), { ...payment(3), currency: 'usd', kinds: 1 }]
    const { status, headers, body } = await bench.post('/v1/events/payments', events)
    expect(status).toBe(422)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(body).toMatchObject({
      type: 'urn:riskledger:problem:event-rejected',
      status: 422,
      code: 'event-rejected',
      errors: [
        { index: 1, field: 'amountMinor', code: 'out-of-range', reason: expect.stringContaining('amountMinor is -500; a payment') },
        { index: 2, field: 'kinds', code: 'unknown-field', reason: expect.stringContaining('did you mean kind?') },
        { index: 2, field: 'currency', code: 'invalid-format' },
      ],
    })
    expect(await recordsOf('payments')).toEqual([])
  })

  test('at most 100 things are listed, and it says how many there are', async () => {
    await bench.open()
    const { body } = await bench.post(
      '/v1/events/payments',
      Array.from({ length: 500 }, () => ({})),
    )
    expect(body['errors']).toHaveLength(100)
    expect(body['detail']).toMatch(/things are wrong with this batch of 500 events.*The first 100 are listed/)
  })

  test('a single event is named without an index', async () => {
    await bench.open()
    const { status, body } = await bench.post('/v1/events/payments', { ...payment(1), accountId: 'a\u202eb' })
    expect(status).toBe(422)
    expect(body['errors']).toEqual([expect.objectContaining({ field: 'accountId', code: 'hostile-text' })])
    expect((body['errors'] as object[])[0]).not.toHaveProperty('index')
  })
})

test('a dry run answers as publishing would and takes nothing', async () => {
  await bench.open()
  expect(await bench.post('/v1/events:validate?topic=payments', [payment(1), payment(2)])).toMatchObject({
    status: 200,
    body: { accepted: 2 },
  })
  const bad = [payment(1), payment(2, { amountMinor: -1 })]
  const dry = await bench.post('/v1/events:validate?topic=payments', bad)
  const wet = await bench.post('/v1/events/payments', bad)
  expect(dry).toMatchObject({ status: 422, body: wet.body })
  expect(await recordsOf('payments')).toEqual([])
  expect(await bench.post('/v1/events:validate', payment(1))).toMatchObject({ status: 400, body: { errors: [{ field: 'topic' }] } })
  expect(await bench.post('/v1/events:validate?topic=unparsable', payment(1))).toMatchObject({ status: 400 })
})

describe('a body of another form is refused:', () => {
  test.each([
    ['no JSON', '{"a":', 400, 'not-json'],
    ['nothing', '', 400, 'not-json'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 400, 'not-json'],
    ['nesting without end', '['.repeat(1_000_000), 400, 'not-json'],
    ['deep nesting', '['.repeat(100_000) + ']'.repeat(100_000), 422, 'event-rejected'],
    ['an empty list', '[]', 400, 'body-invalid'],
    ['more than 1,000 events', JSON.stringify(Array.from({ length: 1_001 }, () => 0)), 400, 'body-invalid'],
    ['a number', '7', 422, 'event-rejected'],
    ['null', 'null', 422, 'event-rejected'],
    ['a list of lists', '[[[]]]', 422, 'event-rejected'],
    ['a prototype', JSON.stringify(payment(1)).replace('{', '{"__proto__":{"a":1},'), 422, 'event-rejected'],
    [
      'a number beyond 2^53',
      JSON.stringify(payment(1)).replace('"amountMinor":300000', '"amountMinor":9007199254740993'),
      422,
      'event-rejected',
    ],
    ['a number with a fraction', JSON.stringify(payment(1)).replace('"amountMinor":300000', '"amountMinor":1.5'), 422, 'event-rejected'],
    ['half a surrogate pair', JSON.stringify(payment(1)).replace('"a-0293"', '"\\ud800"'), 422, 'event-rejected'],
    ['a NUL in a token', JSON.stringify(payment(1)).replace('"a-0293"', '"a\\u0000"'), 422, 'event-rejected'],
  ])('%s', async (_name, body, status, code) => {
    await bench.open()
    const answered = await bench.post('/v1/events/payments', body)
    expect(answered).toMatchObject({ status, body: { code, status } })
    expect(JSON.stringify(answered.body)).not.toMatch(/at .*\.ts|node_modules|SyntaxError/)
    expect(await recordsOf('payments')).toEqual([])
  })

  test.each([
    ['no object', [], ''],
    ['an unknown topic', { topic: 'risk-alerts', event: MINIMAL_EVENTS['risk-alerts'] }, 'topic'],
    ['no topic', { event: payment(1) }, 'topic'],
    ['a topic that is no text', { topic: 1, event: payment(1) }, 'topic'],
    ['a member that there is not', { topic: 'payments', event: payment(1), deadline: 5 }, 'deadline'],
    ['a deadline of 0', { topic: 'payments', event: payment(1), deadlineMs: 0 }, 'deadlineMs'],
    ['a deadline beyond 10 s', { topic: 'payments', event: payment(1), deadlineMs: 10_001 }, 'deadlineMs'],
    ['a deadline with a fraction', { topic: 'payments', event: payment(1), deadlineMs: 1.5 }, 'deadlineMs'],
    ['a deadline that is null', { topic: 'payments', event: payment(1), deadlineMs: null }, 'deadlineMs'],
  ])('a question with %s', async (_name, body, field) => {
    await bench.open()
    expect(await bench.post('/v1/decisions', body)).toMatchObject({ status: 400, body: { code: 'body-invalid', errors: [{ field }] } })
  })

  test('a question about an event that is not as its schema says', async () => {
    await bench.open()
    const answered = await bench.post('/v1/decisions', { topic: 'payments', event: { ...payment(1), amountMinor: '3' } })
    expect(answered).toMatchObject({
      status: 422,
      body: { code: 'event-rejected', errors: [{ field: 'event.amountMinor', code: 'wrong-type' }] },
    })
    expect(await bench.post('/v1/decisions', { topic: 'payments' })).toMatchObject({
      status: 422,
      body: { errors: expect.arrayContaining([expect.objectContaining({ field: 'event', code: 'missing' })]) },
    })
  })

  test('another media type', async () => {
    await bench.open()
    expect(await bench.post('/v1/events/payments', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
      body: { code: 'unsupported-media-type' },
    })
  })

  test('too many bytes, stated or not', async () => {
    await bench.open({ limits: { maxBodyBytes: 1_000 } })
    const tooMany = JSON.stringify(Array.from({ length: 10 }, (_, i) => payment(i)))
    expect(await bench.post('/v1/events/payments', tooMany)).toMatchObject({ status: 413, body: { code: 'body-too-large' } })
    const response = await fetch(`${bench.gateway.url}/v1/events/payments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.publisher.key}`, 'content-type': 'application/json' },
      body: new Blob([tooMany]).stream(),
      duplex: 'half',
    })
    expect(response.status).toBe(413)
  })
})

test('the log decides: while it does not take events, nobody is told that it did', async () => {
  const log = new MemoryEventLog(4)
  bench = new GatewayBench(log)
  log.append = () => Promise.reject(new RiskError('log-unavailable', 'secret place', { retriable: true }))
  await bench.open()
  for (const answered of [await bench.post('/v1/events/payments', payment(1)), await bench.decide(payment(1))]) {
    expect(answered).toMatchObject({ status: 503, body: { code: 'unavailable', detail: expect.stringContaining('log-unavailable') } })
    expect(answered.headers.get('retry-after')).toBe('1')
    expect(JSON.stringify(answered.body)).not.toContain('secret place')
  }
})

test('a log that does not answer in time is said, with what is not known', async () => {
  const log = new MemoryEventLog(4)
  log.append = () => new Promise(() => undefined)
  bench = new GatewayBench(log)
  await bench.open({ limits: { appendTimeoutMs: 20, drainTimeoutMs: 50 } })
  expect(await bench.post('/v1/events/payments', payment(1))).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('is not known') },
  })
})

test('an error that nobody foresaw shows nothing of itself', async () => {
  const log = new MemoryEventLog(4)
  log.append = () => Promise.reject(new TypeError('x is not a function at /srv/app/secret.ts:1'))
  bench = new GatewayBench(log)
  await bench.open()
  const answered = await bench.post('/v1/events/payments', payment(1))
  expect(answered).toMatchObject({ status: 500, body: { code: 'internal' } })
  expect(JSON.stringify(answered.body)).not.toContain('secret')
  expect(bench.logger.lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'a request failed' }))
})
