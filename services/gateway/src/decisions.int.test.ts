import { connect } from 'node:net'
import { RiskError } from '@riskledger/contracts'
import { decodeRaw, encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { DEFAULT_FALLBACK } from '@riskledger/policy'
import { KeptLogger, MemoryEventLog, MemoryLedger, NO_METRICS } from '@riskledger/testing'
import { AnswerPublisher } from './answer-publisher'
import { FallbackInForce } from './fallback-in-force'
import { GatewayBench, NOW_MS, payment, policyOf } from './testing/gateway-bench'

/** Holds every login and payment at once, whatever it scores. */
const HOLD_ALL = policyOf((yaml) =>
  yaml.replace('payments: { challenge: 300, hold: 500, block: 800 }', 'payments: { challenge: 1, hold: 1, block: 1001 }'),
)

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

/** The answers in the log. */
async function answers(): Promise<readonly Record<string, unknown>[]> {
  const { records } = await bench.log.fetch({ topic: 'answers', partition: 0, fromOffset: 0, maxRecords: 1000, maxBytes: 1e6 })
  return records.map(({ value }) => {
    const decoded = decodeRaw('answers', value)
    if (decoded.kind === 'rejected') throw new Error(decoded.detail)
    return decoded.event as unknown as Record<string, unknown>
  })
}

async function published(): Promise<number> {
  return (await bench.log.range('payments', 0)).end
}

test('an event is published and its verdict comes back in the same request', async () => {
  await bench.open()
  await bench.screen()
  const answered = await bench.decide(payment(1))
  expect(answered.status).toBe(200)
  expect(answered.body).toMatchObject({
    kind: 'allow',
    fallback: false,
    status: 'screened',
    decisionId: null,
    sequence: 1,
    receipt: { topic: 'payments', partition: 0, offset: 0 },
  })
  expect(answered.body['receipt']).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
})

test('a verdict other than allow names its decision and its reasons', async () => {
  await bench.open()
  await bench.screen({ policy: HOLD_ALL })
  const { body } = await bench.decide(payment(1, { payerNameMatch: 'mismatch' }))
  expect(body).toMatchObject({ kind: 'hold', fallback: false, reasonCodes: expect.arrayContaining(['payer-name-mismatch']) })
  expect(body['decisionId']).toMatch(/^[0-9a-f-]{36}$/)
  expect(body['scorePoints']).toBeGreaterThan(0)
  expect((await bench.get(`/v1/decisions/${String(body['eventId'])}`)).body).toMatchObject({ kind: 'hold', decisionId: body['decisionId'] })
})

test('a retry gets the first verdict and is not published again', async () => {
  await bench.open()
  await bench.screen()
  const first = await bench.decide(payment(1))
  const again = await bench.decide(payment(1))
  expect(again.body).toMatchObject({ kind: first.body['kind'], sequence: 1, fallback: false, receipt: null })
  expect(await published()).toBe(1)
})

test('a retry while the first is under way waits with it', async () => {
  await bench.open()
  const both = [bench.decide(payment(1)), bench.decide(payment(1))]
  await bench.screen()
  const [one, two] = await Promise.all(both)
  expect([one.body['sequence'], two.body['sequence']]).toEqual([1, 1])
  expect(await published()).toBe(1)
})

test('a retry after a fallback gets the verdict once there is one', async () => {
  await bench.open()
  expect((await bench.decide(payment(1), 20)).body).toMatchObject({ fallback: true, status: 'pending' })
  const retry = bench.decide(payment(1))
  await bench.screen()
  expect((await retry).body).toMatchObject({ fallback: false, kind: 'allow', sequence: 1 })
  expect(await published()).toBe(1)
})

test('a retry at another gateway, which remembers nothing, gets the first verdict from the ledger', async () => {
  await bench.open()
  await bench.screen({ policy: HOLD_ALL })
  const first = await bench.decide(payment(1, { payerNameMatch: 'mismatch' }))
  await bench.decide(payment(2))
  await bench.open()
  const again = await bench.decide(payment(1, { payerNameMatch: 'mismatch' }))
  expect(again.body).toMatchObject({ kind: 'hold', fallback: false, sequence: 1, decisionId: first.body['decisionId'] })
  expect(await published()).toBe(3)
  expect((await bench.decide(payment(1, { payerNameMatch: 'mismatch' }))).body['sequence']).toBe(1)
  expect(await published()).toBe(3)
})

describe('the same id with other bytes is refused with 409', () => {
  const other = payment(1, { amountMinor: 1 })

  test('from memory', async () => {
    await bench.open()
    await bench.screen()
    await bench.decide(payment(1))
    const answered = await bench.decide(other)
    expect(answered).toMatchObject({
      status: 409,
      body: { code: 'conflicting', detail: expect.stringContaining('sequence 1 of partition 0') },
    })
    expect(await published()).toBe(1)
  })

  test('while the first is under way', async () => {
    await bench.open()
    const first = bench.decide(payment(1), 50)
    await bench.log.changed(1_000)
    expect(await bench.decide(other)).toMatchObject({ status: 409, body: { code: 'conflicting' } })
    await first
  })

  test('by the journal, where the gateway remembers nothing', async () => {
    await bench.open()
    await bench.screen()
    await bench.decide(payment(1))
    await bench.open()
    expect(await bench.decide(other)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('sequence 1') } })
  })
})

test('an event that the journal quarantines is refused with 422 and the reason, and may be sent again', async () => {
  await bench.open()
  await bench.screen()
  const early = payment(1, { eventTimeMs: NOW_MS + 3_600_000 })
  expect(await bench.decide(early)).toMatchObject({
    status: 422,
    body: { code: 'quarantined', errors: [{ field: 'event.eventTimeMs', code: 'future-event' }] },
  })
  expect((await bench.get(`/v1/decisions/${early.eventId}`)).body).toMatchObject({
    status: 'quarantined',
    kind: null,
    quarantineReason: 'future-event',
  })
  expect((await bench.decide(payment(1))).body).toMatchObject({ kind: 'allow', sequence: 2 })
  expect((await bench.get(`/v1/decisions/${early.eventId}`)).body).toMatchObject({ status: 'screened', kind: 'allow' })
})

test('a late event has no verdict: the fallback speaks, and says how late it was', async () => {
  await bench.open()
  await bench.screen()
  await bench.decide(payment(1))
  const late = await bench.decide(payment(2, { eventTimeMs: NOW_MS - 7_200_000, kind: 'transfer' }))
  expect(late.body).toMatchObject({
    status: 'late',
    fallback: true,
    kind: 'hold',
    lateByMs: 7_200_000,
    reasonCodes: ['late-event'],
  })
})

describe('without a screener', () => {
  test.each([
    ['a small purchase', payment(1, { amountReferenceMinor: 500 }), 'allow'],
    ['a large purchase', payment(2), 'challenge'],
    ['a transfer', payment(3, { kind: 'transfer' }), 'hold'],
  ])('%s gets the fallback at its deadline', async (_name, event, kind) => {
    await bench.open()
    const { status, body } = await bench.decide(event, 30)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      kind,
      fallback: true,
      status: 'pending',
      scorePoints: null,
      reasonCodes: ['deadline-passed'],
      sequence: null,
    })
    expect(body['latencyMs']).toBeGreaterThanOrEqual(29)
  })

  test('the deadline is 150 ms where the caller names none', async () => {
    await bench.open()
    const { body } = await bench.post('/v1/decisions', { topic: 'payments', event: payment(1) })
    expect(body['latencyMs']).toBeGreaterThanOrEqual(149)
    await bench.gateway.close()
    expect(await answers()).toMatchObject([{ deadlineMs: 150 }])
  })

  test('logins and trades have fallbacks too', async () => {
    await bench.open()
    const login = await bench.post('/v1/decisions', { topic: 'logins', event: MINIMAL_EVENTS.logins, deadlineMs: 20 })
    const trade = await bench.post('/v1/decisions', {
      topic: 'p2p-trades',
      event: { ...MINIMAL_EVENTS['p2p-trades'], eventId: payment(2).eventId },
      deadlineMs: 20,
    })
    expect([login.body['kind'], trade.body['kind']]).toEqual(['challenge', 'hold'])
  })
})

describe('the fallback is that of the policy in force', () => {
  const STRICT = policyOf((yaml) =>
    yaml.replace('purchase: { allowBelowMinor: 10000, otherwise: challenge }', 'purchase: { allowBelowMinor: 0, otherwise: block }'),
  )

  test('from the start', async () => {
    const worker = await bench.screen({ policy: STRICT })
    await worker.stop()
    await bench.open()
    expect((await bench.decide(payment(1), 30)).body).toMatchObject({ kind: 'block', fallback: true })
  })

  test('and after a switch', async () => {
    const worker = await bench.screen()
    await bench.open()
    await bench.decide(payment(1))
    worker.activate(STRICT)
    await bench.decide(payment(2))
    await worker.stop()
    expect((await bench.decide(payment(3), 30)).body).toMatchObject({ kind: 'block', fallback: true })
  })

  test('and a read of it that the end of the gateway cuts off is not logged', async () => {
    const worker = await bench.screen({ policy: STRICT })
    await worker.stop()
    let cutOff: () => void = () => undefined
    const held = new Promise<void>((_resolve, reject) => {
      cutOff = () => reject(new RiskError('ledger-unavailable', 'closed', { retriable: true }))
    })
    const read = bench.ledger.readStream.bind(bench.ledger)
    bench.ledger.readStream = async function* (stream, options) {
      if (stream.startsWith('artifact-')) await held
      yield* read(stream, options)
    }
    await bench.open()
    await bench.gateway.close()
    cutOff()
    await new Promise((resolve) => setImmediate(resolve))
    expect(bench.logger.lines).toMatchObject([{ level: 'info', message: 'the gateway serves' }])
  })

  test('the one before it stays where the ledger does not have it', async () => {
    const logger = new KeptLogger()
    const fallback = new FallbackInForce({ ledger: new MemoryLedger(), environment: '', initial: DEFAULT_FALLBACK, logger })
    await fallback.follow('ab'.repeat(32))
    expect(fallback.current).toBe(DEFAULT_FALLBACK)
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { policyHash: 'ab'.repeat(32) } }])
  })
})

test('what callers were told stands in the log as answers, keyed by account', async () => {
  await bench.open()
  await bench.decide(payment(1, { traceId: 'trace-1' }), 20)
  await bench.screen()
  await bench.decide(payment(2))
  await bench.gateway.close()
  const told = await answers()
  expect(told).toMatchObject([
    {
      inputEventId: payment(1).eventId,
      verdict: 'challenge',
      fallback: true,
      deadlineMs: 20,
      traceId: 'trace-1',
      source: 'gateway',
      accountId: 'a-0293',
    },
    { inputEventId: payment(2).eventId, verdict: 'allow', fallback: false, deadlineMs: 5_000, traceId: null },
  ])
  expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(2)
  const { records } = await bench.log.fetch({ topic: 'answers', partition: 0, fromOffset: 0, maxRecords: 10, maxBytes: 1e6 })
  expect(records.map(({ key }) => Buffer.from(key!).toString())).toEqual(['a-0293', 'a-0293'])
})

test('what a caller was told goes to the log along with the next event', async () => {
  const log = new MemoryEventLog()
  const appended: { readonly topic: string; readonly turn: number }[] = []
  let turn = 0
  const append = log.append.bind(log)
  log.append = (records, progress) => {
    for (const { topic } of records) appended.push({ topic, turn })
    queueMicrotask(() => turn++)
    return append(records, progress)
  }
  await bench.close()
  bench = new GatewayBench(log)
  await bench.open()
  await bench.screen()
  // Each answer waits 25 ms for company at most, and an event that comes right behind is company.
  for (let id = 1; id <= 20; id++) await bench.decide(payment(id))
  const together = appended.filter(
    ({ topic, turn: at }) => topic === 'answers' && appended.some((one) => one.topic === 'payments' && one.turn === at),
  )
  expect(together.length).toBeGreaterThan(0)
})

test('answers that the log never takes are counted and said', async () => {
  const log = new MemoryEventLog()
  log.append = () => Promise.reject(new Error('gone'))
  const lost: number[] = []
  const logger = new KeptLogger()
  const metrics = { ...NO_METRICS, count: (name: string, by: number) => void (name.endsWith('answers_lost_total') && lost.push(by)) }
  const publisher = new AnswerPublisher({ log, partitionCount: 1, source: 'gateway', nowMs: () => NOW_MS, logger, metrics })
  publisher.publish({
    accountId: 'a',
    traceId: null,
    inputEventId: payment(1).eventId,
    verdict: 'allow',
    fallback: true,
    latencyMs: 1,
    deadlineMs: 1,
  })
  await publisher.close(1_000)
  expect(lost).toEqual([1])
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { answers: 1, reason: 'gone' } }])
})

describe('a decision is read', () => {
  test('of an event that came another way than through this gateway', async () => {
    await bench.open()
    await bench.screen()
    const value = encodeRaw('payments', payment(7)).slice()
    await bench.log.append([
      { topic: 'payments', partition: 0, brokerTimeMs: NOW_MS, orderTimeMs: undefined, key: Buffer.from('a-0293'), value },
    ])
    await bench.decide(payment(8))
    expect((await bench.get(`/v1/decisions/${payment(7).eventId}`)).body).toMatchObject({ status: 'screened', sequence: 1 })
  })

  test('from the ledger, once the gateway does not remember it', async () => {
    await bench.open()
    await bench.screen({ policy: HOLD_ALL })
    const first = await bench.decide(payment(1, { payerNameMatch: 'mismatch' }))
    await bench.open()
    expect((await bench.get(`/v1/decisions/${payment(1).eventId}`)).body).toMatchObject({
      kind: 'hold',
      decisionId: first.body['decisionId'],
    })
  })

  test('not at all where the journal has none, and it says whether all of it was read', async () => {
    await bench.open({ limits: { lookBackBytes: 1 } })
    await bench.screen({ pace: { batchInputs: 1, snapshotInputs: 1_000_000 } })
    const unknown = `/v1/decisions/${payment(99).eventId}`
    expect(await bench.get(unknown)).toMatchObject({
      status: 404,
      body: { code: 'not-found', detail: expect.stringMatching(/^The journal has no/) },
    })
    for (const id of [1, 2, 3]) await bench.decide(payment(id))
    expect(await bench.get(unknown)).toMatchObject({
      status: 404,
      body: { detail: expect.stringMatching(/^The newest part of the journal.*riskledger explain/) },
    })
  })

  test('only by a UUID', async () => {
    await bench.open()
    expect(await bench.get('/v1/decisions/pay-1')).toMatchObject({
      status: 400,
      body: { title: 'The request is not a valid one', errors: [{ field: 'eventId', code: 'invalid-uuid' }] },
    })
  })

  test('no further once its caller has gone', async () => {
    await bench.open()
    await bench.screen()
    await bench.decide(payment(1))
    const { hostname, port } = new URL(bench.gateway.url)
    const caller = connect(Number(port), hostname)
    const read = bench.ledger.readStream.bind(bench.ledger)
    const left = new Promise<void>((resolve) => {
      // A journal without an end.
      bench.ledger.readStream = async function* (stream, options) {
        for await (const entry of read(stream, options)) {
          if (options.direction === 'forwards') yield entry
          else caller.destroy()
          try {
            while (options.direction === 'backwards') {
              yield entry
              await new Promise((turn) => setImmediate(turn))
            }
          } finally {
            if (options.direction === 'backwards') resolve()
          }
        }
      }
    })
    caller.write(`GET /v1/decisions/${payment(99).eventId} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bench.reader.key}\r\n\r\n`)
    await left
  })
})

test('where the ledger is lost and comes back, no verdict is missed', async () => {
  const ledger = new MemoryLedger()
  let cut = new AbortController()
  const subscribe = ledger.subscribeToStream.bind(ledger)
  ledger.subscribeToStream = (stream, options) => subscribe(stream, { ...options, signal: AbortSignal.any([options.signal, cut.signal]) })
  bench = new GatewayBench(new MemoryEventLog(), ledger)
  await bench.open()
  await bench.screen()
  await bench.decide(payment(1))
  const lost = cut
  cut = new AbortController()
  lost.abort()
  expect((await bench.decide(payment(2))).body).toMatchObject({ kind: 'allow', fallback: false })
  expect(bench.logger.lines).toMatchObject([{}, { level: 'warn', message: 'the journal is subscribed to again' }])
})
