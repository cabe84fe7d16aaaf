import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectHttp2, type Settings } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppendReq, type AppendResp } from '@eventstore/db-client/generated/streams_pb'
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb'
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb'
import {
  binaryEvent,
  EventStoreDBClient,
  eventTypeFilter,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  streamNameFilter,
} from '@eventstore/db-client'
import * as grpc from '@grpc/grpc-js'
import { open } from 'lmdb'
import { startLedgerServer, type LedgerServer, type LedgerServerOptions } from './ledger-server'
import { LmdbStorage } from './lmdb-storage'
import { PowerLossStorage } from './power-loss-storage'
import { testId } from './test-requests'

let folder: string
const running: LedgerServer[] = []
const clients: EventStoreDBClient[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-server-'))
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose()
  for (const server of running.splice(0)) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(options: Partial<LedgerServerOptions> = {}): Promise<LedgerServer> {
  const server = await startLedgerServer({ folder: join(folder, 'store'), ...options })
  running.push(server)
  return server
}

async function stop(server: LedgerServer): Promise<void> {
  for (const client of clients.splice(0)) await client.dispose()
  running.splice(running.indexOf(server), 1)
  await server.close()
}

function connect(connectionString: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(connectionString)
  clients.push(client)
  return client
}

const counted = (n: number, type = 'Counted') => jsonEvent({ type, data: { n } })

async function revisions(items: AsyncIterable<{ event?: { streamId: string; revision: bigint } }>): Promise<string[]> {
  const all: string[] = []
  for await (const { event } of items) if (event !== undefined) all.push(`${event.streamId}@${event.revision}`)
  return all
}

describe('start', () => {
  test('refuses hosts other than loopback', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'configuration-invalid', retriable: false })
  })

  test('says so when the port is taken', async () => {
    const { port } = await start()
    await expect(start({ port, folder: join(folder, 'other') })).rejects.toMatchObject({ code: 'ledger-unavailable' })
  })

  test('lets a client send 4 MiB before it waits for the server, in a call and over all calls of a connection', async () => {
    const { port } = await start()
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    try {
      const [{ initialWindowSize }] = (await once(session, 'remoteSettings')) as [Settings]
      expect(initialWindowSize).toBe(4 * 1024 * 1024)
      // The update follows the settings.
      while (session.state.remoteWindowSize !== 4 * 1024 * 1024) await nextTurn()
    } finally {
      session.destroy()
    }
  })

  test('refuses a folder of a newer format, and says what to do', async () => {
    await stop(await start())
    const store = open({ path: join(folder, 'store'), noSubdir: false })
    store.openDB({ name: 'meta', encoding: 'ordered-binary' }).putSync('format', 99)
    await store.close()
    await expect(start()).rejects.toMatchObject({
      code: 'data-folder-format',
      message: expect.stringContaining('Start it with that version'),
    })
  })

  test('goes on where it stopped', async () => {
    const first = await start()
    await connect(first.connectionString).appendToStream('s', [counted(0), counted(1)], { expectedRevision: 'no_stream' })
    await stop(first)
    const client = connect((await start()).connectionString)
    const { nextExpectedRevision } = await client.appendToStream('s', [counted(2)], { expectedRevision: 1n })
    expect(nextExpectedRevision).toBe(2n)
    expect(await revisions(client.readStream('s'))).toEqual(['s@0', 's@1', 's@2'])
  })
})

describe('the protocol', () => {
  test('discovery by gossip leads to the server', async () => {
    const { port } = await start()
    const client = connect(`esdb+discover://127.0.0.1:${port}?tls=false`)
    await client.appendToStream('s', [counted(0)])
    expect(await revisions(client.readStream('s'))).toEqual(['s@0'])
  })

  test('deletes, tombstones, projections and persistent subscriptions are not offered, and say so', async () => {
    const client = connect((await start()).connectionString)
    await client.appendToStream('s', [counted(0)])
    const refused = { message: expect.stringContaining('The embedded ledger does not offer') }
    await expect(client.deleteStream('s')).rejects.toMatchObject(refused)
    await expect(client.tombstoneStream('s')).rejects.toMatchObject(refused)
    await expect(client.createProjection('p', 'fromAll()')).rejects.toMatchObject(refused)
    const settings = persistentSubscriptionToStreamSettingsFromDefaults()
    await expect(client.createPersistentSubscriptionToStream('s', 'g', settings)).rejects.toMatchObject(refused)
  })

  test('the client-streaming Append: appended, repeated, refused, too large', async () => {
    const { port } = await start()
    const client = new StreamsClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
    const append = (revision: number | undefined, ids: readonly number[], bytes = 10): Promise<AppendResp> =>
      new Promise((resolve, reject) => {
        const call = client.append((cause: grpc.ServiceError | null, answer: AppendResp) =>
          cause === null ? resolve(answer) : reject(cause),
        )
        const identifier = new StreamIdentifier()
        identifier.setStreamName(Buffer.from('s'))
        const options = new AppendReq.Options()
        options.setStreamIdentifier(identifier)
        if (revision === undefined) options.setNoStream(new Empty())
        else options.setRevision(String(revision))
        const head = new AppendReq()
        head.setOptions(options)
        call.write(head)
        for (const n of ids) {
          const id = new UUID()
          id.setString(testId(n))
          const message = new AppendReq.ProposedMessage()
          message.setId(id)
          message.getMetadataMap().set('type', 'T').set('content-type', 'application/octet-stream')
          message.setData(new Uint8Array(bytes))
          const part = new AppendReq()
          part.setProposedMessage(message)
          call.write(part)
        }
        call.end()
      })
    expect((await append(undefined, [1, 2])).getSuccess()?.getCurrentRevision()).toBe('1')
    expect((await append(undefined, [1, 2])).getSuccess()?.getCurrentRevision()).toBe('1')
    expect((await append(undefined, [3])).getWrongExpectedVersion()?.getCurrentRevision()).toBe('1')
    await expect(append(1, [4], 1024 * 1024 + 1)).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT })
    await expect(append(1, [])).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT })
    client.close()
  })

  test('an append in several messages is one append', async () => {
    const client = connect((await start()).connectionString)
    const events = Array.from({ length: 50 }, () => binaryEvent({ type: 'B', data: new Uint8Array(1_000) }) as never)
    const { nextExpectedRevision } = await client.appendToStream('s', events, { batchAppendSize: 5_000, expectedRevision: 'no_stream' })
    expect(nextExpectedRevision).toBe(49n)
    const tooMany = Array.from({ length: 50 }, () => binaryEvent({ type: 'B', data: new Uint8Array(100_000) }) as never)
    await expect(client.appendToStream('s', tooMany, { batchAppendSize: 500_000 })).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
    })
    expect((await client.appendToStream('s', [counted(0)], { expectedRevision: 49n })).nextExpectedRevision).toBe(50n)
  })

  test('names that begin with $ are reserved, overlong ones refused', async () => {
    const client = connect((await start()).connectionString)
    await expect(client.appendToStream('$mine', [counted(0)])).rejects.toThrow('reserved')
    await expect(client.appendToStream('x'.repeat(2_000), [counted(0)])).rejects.toThrow('longer than')
  })
})

describe('$all', () => {
  async function filled(): Promise<EventStoreDBClient> {
    const client = connect((await start()).connectionString)
    await client.appendToStream('a', [counted(0), counted(1, 'Odd')])
    await client.appendToStream('b', [counted(2), counted(3, 'Odd')])
    await client.appendToStream('a', [counted(4)])
    return client
  }
  const everything = ['a@0', 'a@1', 'b@0', 'b@1', 'a@2']

  test('forwards and backwards, from start, end and any position', async () => {
    const client = await filled()
    expect(await revisions(client.readAll())).toEqual(everything)
    expect(await revisions(client.readAll({ direction: 'backwards', fromPosition: 'end' }))).toEqual([...everything].reverse())
    expect(await revisions(client.readAll({ fromPosition: 'end' }))).toEqual([])
    expect(await revisions(client.readAll({ direction: 'backwards', fromPosition: 'start' }))).toEqual([])
    expect(await revisions(client.readAll({ maxCount: 3 }))).toEqual(everything.slice(0, 3))
    const positions: { commit: bigint; prepare: bigint }[] = []
    for await (const { event } of client.readAll()) if (event?.position !== undefined) positions.push(event.position)
    for (const [i, fromPosition] of positions.entries()) {
      expect(await revisions(client.readAll({ fromPosition }))).toEqual(everything.slice(i))
      expect(await revisions(client.readAll({ fromPosition, direction: 'backwards' }))).toEqual(everything.slice(0, i).reverse())
    }
  })

  test.each([
    ['stream prefix', streamNameFilter({ prefixes: ['b'] }), ['b@0', 'b@1']],
    ['stream pattern', streamNameFilter({ regex: '^[a]$' }), ['a@0', 'a@1', 'a@2']],
    ['type prefix', eventTypeFilter({ prefixes: ['Od', 'Ev'] }), ['a@1', 'b@1']],
    ['type pattern', eventTypeFilter({ regex: 'dd$' }), ['a@1', 'b@1']],
  ])('a subscription filtered by %s', async (_name, filter, expected) => {
    const client = await filled()
    const subscription = client.subscribeToAll({ filter })
    const seen: string[] = []
    for await (const { event } of subscription) {
      if (event !== undefined) seen.push(`${event.streamId}@${event.revision}`)
      if (seen.length === expected.length) break
    }
    expect(seen).toEqual(expected)
  })

  test('a pattern that is none is refused', async () => {
    const client = await filled()
    await expect(revisions(client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) }))).rejects.toThrow('regular expression')
  })
})

describe('trouble', () => {
  test('damaged data: an error that names stream and revision; everything else stays readable', async () => {
    const first = await start()
    const client = connect(first.connectionString)
    for (let n = 0; n < 3; n++)
      await client.appendToStream('hurt', [counted(n)], { expectedRevision: n === 0 ? 'no_stream' : BigInt(n - 1) })
    await client.appendToStream('whole', [counted(0)])
    await stop(first)
    const store = open({ path: join(folder, 'store'), noSubdir: false })
    const records = store.openDB<Buffer, number>({ name: 'records', encoding: 'binary' })
    const bytes = Buffer.from(records.getBinary(2) ?? [])
    bytes.fill(0xff, 0, 60)
    records.putSync(2, bytes)
    await store.close()
    const again = connect((await start()).connectionString)
    await expect(revisions(again.readStream('hurt'))).rejects.toThrow('stream hurt, revision 1')
    await expect(revisions(again.readAll())).rejects.toThrow('damaged')
    expect(await revisions(again.readStream('hurt', { fromRevision: 2n }))).toEqual(['hurt@2'])
    expect(await revisions(again.readStream('whole'))).toEqual(['whole@0'])
    expect((await again.appendToStream('hurt', [counted(3)], { expectedRevision: 2n })).nextExpectedRevision).toBe(3n)
  })

  test('a row that the index has lost: an error that names stream and revision, whichever way the stream is read', async () => {
    const first = await start()
    const client = connect(first.connectionString)
    for (let n = 0; n < 3; n++)
      await client.appendToStream('hurt', [counted(n)], { expectedRevision: n === 0 ? 'no_stream' : BigInt(n - 1) })
    await stop(first)
    const store = open({ path: join(folder, 'store'), noSubdir: false })
    expect(store.openDB<number, [number, number]>({ name: 'index', encoding: 'ordered-binary' }).removeSync([1, 1])).toBe(true)
    await store.close()
    const again = connect((await start()).connectionString)
    const missing = 'stream hurt: revision 1 is missing from the index'
    await expect(revisions(again.readStream('hurt'))).rejects.toThrow(missing)
    await expect(revisions(again.readStream('hurt', { direction: 'backwards', fromRevision: 'end' }))).rejects.toThrow(missing)
    expect(await revisions(again.readStream('hurt', { fromRevision: 2n }))).toEqual(['hurt@2'])
  })

  test('a disk that is nearly full is noticed before the store is touched', async () => {
    const storage = new LmdbStorage({ folder: join(folder, 'store'), minFreeBytes: Number.MAX_SAFE_INTEGER })
    const client = connect((await start({ storage })).connectionString)
    await expect(client.appendToStream('s', [counted(0)])).rejects.toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED })
    await expect(client.appendToStream('s', [counted(0)])).rejects.toThrow('bytes are free')
    await expect(revisions(client.readStream('s'))).rejects.toMatchObject({ type: 'stream-not-found' })
  })

  test('a full disk: told as such, nothing lost, and the same append succeeds once there is room', async () => {
    const storage = new PowerLossStorage()
    const flushing = setInterval(() => storage.flush(), 1)
    try {
      const client = connect((await start({ storage })).connectionString)
      await client.appendToStream('s', [counted(0)], { expectedRevision: 'no_stream' })
      storage.failNextWrite(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
      const next = counted(1)
      await expect(client.appendToStream('s', [next], { expectedRevision: 0n })).rejects.toMatchObject({
        code: grpc.status.RESOURCE_EXHAUSTED,
      })
      expect((await client.appendToStream('s', [next], { expectedRevision: 0n })).nextExpectedRevision).toBe(1n)
      expect(await revisions(client.readStream('s'))).toEqual(['s@0', 's@1'])
    } finally {
      clearInterval(flushing)
    }
  })
})
