import { SilentServer } from '@riskledger/testing'
import { connectLedger } from './connect-ledger'

let server: SilentServer
let connectionString: string

beforeEach(async () => {
  server = await SilentServer.start()
  connectionString = `esdb://admin:changeit@${server.address}?tls=false`
})
afterEach(() => server.close())

test('a ledger that is reached and never answers is given up once the signal aborts', async () => {
  const abort = new AbortController()
  const connecting = connectLedger({ connectionString, signal: abort.signal })
  await server.connected
  abort.abort()
  await expect(connecting).rejects.toMatchObject({ code: 'cancelled', retriable: false })
})

test('a ledger that does not answer in time is told in words, without its password', async () => {
  const error: unknown = await connectLedger({ connectionString, connectTimeoutMs: 200 }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('the connection timed out') as string })
  expect((error as Error).message).not.toContain('changeit')
})
