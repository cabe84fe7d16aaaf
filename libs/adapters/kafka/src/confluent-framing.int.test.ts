import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
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

/** A registry that knows three ids. */
beforeEach(async () => {
  status = 200
  isRegistry = true
  asked = []
  const schemas: Record<string, string> = { 1: JSON.stringify(OURS), 258: JSON.stringify(OTHER), 3: 'no schema' }
  server = createServer((request, response) => {
    const id = request.url!.split('/').at(-1)!
    asked.push(`${id} ${request.headers.authorization ?? ''}`.trim())
    response.setHeader('content-type', 'application/json')
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
