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

test('a ledger is reached by the scheme of KurrentDB too', async () => {
  const abort = new AbortController()
  const connecting = connectLedger({ connectionString: `kurrentdb://${server.address}?tls=false`, signal: abort.signal })
  await Promise.race([server.connected, connecting])
  abort.abort()
  await expect(connecting).rejects.toMatchObject({ code: 'cancelled' })
})

test.each([
  ['esdb://admin:p@s3cret:s3cret@h', 'esdb://h'],
  ['esdb://admin:100%s3cret@h:2113', 'esdb://h:2113'],
  ['kurrentdb+discover://admin:s3cret@h:port', 'kurrentdb+discover://h:port'],
  ['esdb://admin:s3cret@h?tls=true&tlsCAFile=/nowhere/ca.pem', 'esdb://h'],
])('%s is refused by its place alone', async (invalid, place) => {
  const error: unknown = await connectLedger({ connectionString: invalid }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'configuration-invalid', retriable: false, context: { place } })
  expect((error as Error).cause).toBeUndefined()
  expect((error as Error).message).toContain(`the ledger at ${place} cannot be used. Look at --ledger: `)
  expect((error as Error).message).not.toMatch(/s3cret|nowhere/)
})
