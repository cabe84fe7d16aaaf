import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connectLedger } from './connect-ledger'

let server: Server
let sockets: Socket[]
let connectionString: string

/** A server that takes connections and never says anything. */
beforeEach(async () => {
  sockets = []
  server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  connectionString = `esdb://admin:changeit@127.0.0.1:${(server.address() as AddressInfo).port}?tls=false`
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

test('a ledger that is reached and never answers is given up once the signal aborts', async () => {
  const abort = new AbortController()
  const connecting = connectLedger({ connectionString, signal: abort.signal })
  await once(server, 'connection')
  abort.abort()
  await expect(connecting).rejects.toMatchObject({ code: 'cancelled', retriable: false })
})

test('a ledger that does not answer in time is told in words, without its password', async () => {
  const error: unknown = await connectLedger({ connectionString, connectTimeoutMs: 200 }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('the connection timed out') as string })
  expect((error as Error).message).not.toContain('changeit')
})
