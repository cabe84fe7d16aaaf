import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LogRecord } from '@riskledger/contracts'
import { ConfluentFraming } from './confluent-framing'
import { singleObjectHeader } from './schema-fingerprint'

const OURS = { type: 'record', name: 'Payment', namespace: 'raw', doc: 'ours', fields: [{ name: 'id', type: 'string', doc: 'left out' }] }
const OTHER = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'long' }] }
/** Those of their parsing canonical forms. */
const OUR_HEADER = singleObjectHeader('{"name":"raw.Payment","type":"record","fields":[{"name":"id","type":"string"}]}')
const OTHER_HEADER = singleObjectHeader('{"name":"Other","type":"record","fields":[{"name":"id","type":"long"}]}')

let server: Server
let url: string
let status = 200
let isRegistry = true
let asked: string[] = []
/** Answers in the registry's place. */
let instead: ((response: ServerResponse, request: IncomingMessage) => void) | null = null

/** A registry that knows three ids. */
beforeEach(async () => {
  status = 200
  isRegistry = true
  asked = []
  instead = null
  const schemas: Record<string, string> = { 1: JSON.stringify(OURS), 258: JSON.stringify(OTHER), 3: 'no schema' }
  server = createServer((request, response) => {
    const id = request.url!.split('/').at(-1)!
    asked.push(`${id} ${request.headers.authorization ?? ''}`.trim())
    response.setHeader('content-type', 'application/json')
    if (instead !== null) return instead(response, request)
    if (isRegistry && status === 200 && schemas[id] !== undefined) return response.end(JSON.stringify({ schema: schemas[id] }))
    response.statusCode = status === 200 ? 404 : status
    response.end(isRegistry ? JSON.stringify({ error_code: 40403, message: 'Schema not found' }) : '<p>not here</p>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  if (!server.listening) return
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const framing = (nowMs = (): number => 0) => new ConfluentFraming({ url, username: 'u', password: 'p' }, nowMs)
const record = (...value: number[]): LogRecord => ({
  topic: 'payments',
  partition: 0,
  offset: 0,
  brokerTimeMs: 0,
  orderTimeMs: undefined,
  key: null,
  value: Uint8Array.from(value),
})
const valuesOf = (records: readonly LogRecord[]): number[][] => records.map(({ value }) => [...value])

test('a record with a schema of Avro is reframed, documentation left out; all others stay as they are, and each id is asked for once', async () => {
  const confluent = framing()
  const records = [
    record(0, 0, 0, 0, 1, 42),
    record(0, 0, 0, 1, 2, 42),
    record(0, 0, 0, 0, 3, 42),
    record(0, 0, 0, 0, 9, 42),
    record(0xc3, 1, 7),
    record(0, 0),
    record(),
  ]
  const expected = [[...OUR_HEADER, 42], [...OTHER_HEADER, 42], ...valuesOf(records.slice(2))]
  expect(valuesOf(await confluent.reframe(records))).toEqual(expected)
  expect(valuesOf(await confluent.reframe(records))).toEqual(expected)
  expect(asked.map((request) => request.split(' ')[0])).toEqual(['1', '258', '3', '9'])
  expect(asked[0]).toContain(`Basic ${Buffer.from('u:p').toString('base64')}`)
})

test('an id that is not known yet is asked for again after a minute', async () => {
  let nowMs = 0
  const confluent = framing(() => nowMs)
  const unknown = [record(0, 0, 0, 0, 9, 42)]
  await confluent.reframe(unknown)
  nowMs = 59_999
  await confluent.reframe(unknown)
  expect(asked).toHaveLength(1)
  nowMs = 60_000
  await confluent.reframe(unknown)
  expect(asked).toHaveLength(2)
})

test('a registry that fails or is away makes the fetch fail, to be made again: the record is not to blame', async () => {
  const confluent = framing()
  const records = [record(0, 0, 0, 0, 1, 42)]
  const unavailable = { code: 'log-unavailable', retriable: true, context: { url, id: 1 } }
  for (const failing of [500, 401]) {
    status = failing
    await expect(confluent.reframe(records)).rejects.toMatchObject(unavailable)
  }
  status = 200
  expect(valuesOf(await confluent.reframe(records))).toEqual([[...OUR_HEADER, 42]])
  const other = framing()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await expect(other.reframe(records)).rejects.toMatchObject(unavailable)
})

test('a registry is told from an address of something else, from one that refuses us, and from one that is away', async () => {
  await framing().check()
  await new ConfluentFraming({ url: `${url}/` }, () => 0).check()
  expect(asked).toEqual([`1 Basic ${Buffer.from('u:p').toString('base64')}`, '1'])
  isRegistry = false
  await expect(framing().check()).rejects.toMatchObject({
    code: 'configuration-invalid',
    retriable: false,
    message: expect.stringContaining('--schema-registry'),
  })
  isRegistry = true
  status = 401
  await expect(framing().check()).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining('RISKLEDGER_SCHEMA_REGISTRY_PASSWORD'),
  })
  status = 503
  await expect(framing().check()).rejects.toMatchObject({ code: 'log-unavailable', retriable: true })
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await expect(framing().check()).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: true,
    message: expect.stringMatching(/does not answer \(.+\)\. Look .*--schema-registry/),
  })
})

/** Resolves when the registry is asked, with what was asked for, and leaves it without an answer. */
function heldQuestions(count: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const paths: string[] = []
    instead = (response, request) => {
      response.write('{"schema":"')
      if (paths.push(request.url!) === count) resolve(paths)
    }
  })
}

describe('an answer that is none', () => {
  const ended =
    (text: string, statusCode = 200) =>
    (response: ServerResponse) => {
      response.statusCode = statusCode
      response.end(text)
    }
  test.each<readonly [string, (response: ServerResponse) => void]>([
    ['a page', ended('<h1>maintenance</h1>')],
    ['nothing', ended('')],
    ['half of an object', ended('{"sche')],
    ['another object', ended('{"ok":true}')],
    ['a schema that is no text', ended('{"schema":{"type":"string"}}')],
    ['a 404 with a page', ended('<h1>default backend</h1>', 404)],
    ['a 404 of another kind', ended('{"error_code":404,"message":"HTTP 404 Not Found"}', 404)],
    [
      'a text that is cut',
      (response) => {
        response.setHeader('content-length', 5_000)
        response.write('{"schema":"')
        setImmediate(() => response.destroy())
      },
    ],
  ])('%s makes the fetch fail, to be made again, and is not remembered', async (_what, answer) => {
    const confluent = framing()
    const records = [record(0, 0, 0, 0, 1, 42)]
    instead = answer
    await expect(confluent.reframe(records)).rejects.toMatchObject({ code: 'log-unavailable', retriable: true, context: { url, id: 1 } })
    instead = null
    expect(valuesOf(await confluent.reframe(records))).toEqual([[...OUR_HEADER, 42]])
  })

  test.each([
    ['one with references that cannot be followed', { schema: '"string"', references: [{}] }],
    ['one of another kind', { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }],
    ['one that Avro refuses', { schema: '{"type":"record"}', schemaType: 'AVRO' }],
    ['one that is nested too deeply', { schema: `${'{"type":"array","items":'.repeat(50_000)}"int"${'}'.repeat(50_000)}` }],
  ])('a schema is remembered as none of Avro: %s', async (_what, body) => {
    const confluent = framing()
    const records = [record(0, 0, 0, 0, 1, 42)]
    instead = (response) => response.end(JSON.stringify(body))
    expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
    instead = null
    expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
  })

  test.each(['asking', 'asking whether it is a registry'])(
    'a registry that begins and does not end is given up after ten seconds: %s',
    async (how) => {
      const confluent = framing()
      const records = [record(0, 0, 0, 0, 1, 42)]
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] })
      try {
        const held = heldQuestions(1)
        const failing = expect(how === 'asking' ? confluent.reframe(records) : confluent.check()).rejects.toMatchObject({
          code: 'log-unavailable',
          retriable: true,
          message: expect.stringContaining('within 10000 ms'),
        })
        await held
        jest.advanceTimersByTime(10_000)
        await failing
      } finally {
        jest.useRealTimers()
      }
      instead = null
      expect(valuesOf(await confluent.reframe(records))).toEqual([[...OUR_HEADER, 42]])
    },
  )

  test('closing ends what is being asked and what is asked afterwards', async () => {
    const confluent = framing()
    const records = [record(0, 0, 0, 0, 1, 42)]
    const closed = { code: 'log-unavailable', retriable: true, message: expect.stringContaining('the log is closed') }
    const held = heldQuestions(1)
    const failing = expect(confluent.reframe(records)).rejects.toMatchObject(closed)
    await held
    confluent.close()
    await failing
    await expect(confluent.reframe(records)).rejects.toMatchObject(closed)
  })
})

test('unknown ids of a fetch are asked for together, sixteen at most, and each once by whoever waits for it', async () => {
  const confluent = framing()
  const records = Array.from({ length: 40 }, (_, id) => record(0, 0, 0, 1, id, 42))
  const waiting: (() => void)[] = []
  let most = 0
  instead = (response) => {
    response.statusCode = 404
    waiting.push(() => response.end('{"error_code":40403}'))
    most = Math.max(most, waiting.length)
    // All that may be asked at once are there before the first is answered; the last ones are fewer.
    if (waiting.length === 16 || asked.length === 40) for (const answer of waiting.splice(0)) answer()
  }
  await Promise.all([confluent.reframe(records), confluent.reframe(records.slice(0, 16))])
  expect(most).toBe(16)
  expect(asked).toHaveLength(40)
})

test('a schema that uses others is known by their types in their places', async () => {
  const money = { type: 'record', name: 'Money', namespace: 'raw', fields: [{ name: 'currency', type: 'Currency' }] }
  const answers: Record<string, object> = {
    '/schemas/ids/1': {
      schema: JSON.stringify({ type: 'record', name: 'Bill', namespace: 'raw', fields: [{ name: 'sum', type: 'Money' }] }),
      references: [{ name: 'raw.Money', subject: 'of/money', version: 2 }],
    },
    '/subjects/of%2Fmoney/versions/2?deleted=true': {
      schema: JSON.stringify(money),
      references: [{ name: 'raw.Currency', subject: 'currency', version: 1 }],
    },
    '/subjects/currency/versions/1?deleted=true': {
      schema: JSON.stringify({ type: 'enum', name: 'Currency', namespace: 'raw', symbols: ['EUR'] }),
    },
  }
  instead = (response, request) => response.end(JSON.stringify(answers[request.url!]))
  const form =
    '{"name":"raw.Bill","type":"record","fields":[{"name":"sum","type":{"name":"raw.Money","type":"record","fields":[{"name":"currency",' +
    '"type":{"name":"raw.Currency","type":"enum","symbols":["EUR"]}}]}}]}'
  expect(valuesOf(await framing().reframe([record(0, 0, 0, 0, 1, 42)]))).toEqual([[...singleObjectHeader(form), 42]])
})

test.each(
  [
    [0, 0, 0, 0],
    [0x80, 0, 0, 0],
    [0x80, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0xff, 0xff],
  ].map((id) => [id]),
)('an id that no registry can have is not asked for: %j', async (id) => {
  const records = [record(0, ...id, 42)]
  expect(valuesOf(await framing().reframe(records))).toEqual(valuesOf(records))
  expect(asked).toEqual([])
})

test.each([
  [404, { error_code: 404, message: 'HTTP 404 Not Found' }],
  [422, { error_code: 42_299, message: 'Unprocessable' }],
  [403, { error_code: 40_301, message: 'User is denied operation Read on Subject' }],
])('an id that a registry refuses with %i while it answers others counts as unknown', async (refusal, body) => {
  const confluent = framing()
  const records = [record(0, 0, 0, 0, 9, 42)]
  instead = (response, request) => {
    const isRefused = request.url === '/schemas/ids/9'
    response.statusCode = isRefused ? refusal : 404
    response.end(JSON.stringify(isRefused ? body : { error_code: 40_403 }))
  }
  expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
  instead = (response) => response.destroy()
  expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
})

describe('a schema that refers to one that the registry gives no more', () => {
  const bill = {
    schema: JSON.stringify({ type: 'record', name: 'Bill', namespace: 'raw', fields: [{ name: 'sum', type: 'Money' }] }),
    references: [{ name: 'raw.Money', subject: 'money', version: 2 }],
  }
  const money = { schema: JSON.stringify({ type: 'record', name: 'Money', namespace: 'raw', fields: [] }) }
  const answering = (statusCode: number, body: object): typeof instead => {
    return (response, request) => {
      const isReferenced = request.url!.startsWith('/subjects/money/versions/2')
      response.statusCode = isReferenced ? statusCode : 200
      response.end(JSON.stringify(isReferenced ? body : bill))
    }
  }

  test.each([40_401, 40_402])('is unknown, and asked for again after a minute (%i)', async (code) => {
    let nowMs = 0
    const confluent = framing(() => nowMs)
    const records = [record(0, 0, 0, 0, 1, 42)]
    instead = answering(404, { error_code: code })
    expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
    instead = answering(200, money)
    nowMs = 59_999
    expect(valuesOf(await confluent.reframe(records))).toEqual(valuesOf(records))
    nowMs = 60_000
    expect((await confluent.reframe(records))[0].value.subarray(0, 2)).toEqual(OUR_HEADER.subarray(0, 2))
  })

  test('is asked for again where something else answers', async () => {
    instead = answering(404, { message: 'no route' })
    await expect(framing().reframe([record(0, 0, 0, 0, 1, 42)])).rejects.toMatchObject({
      code: 'log-unavailable',
      retriable: true,
      context: { subject: 'money', version: 2 },
    })
  })
})
