import { startThread } from '@riskledger/runtime'
import { SilentServer } from '@riskledger/testing'
import { DISPATCHER_THREAD, type DispatcherThreadInput } from './index'

let silent: SilentServer

beforeEach(async () => {
  silent = await SilentServer.start()
})
afterEach(() => silent.close())

test('told to stop while its ledger does not answer, it leaves as cancelled', async () => {
  const input: DispatcherThreadInput = {
    connection: { brokers: [silent.address], prefix: '', clientId: 'riskledger' },
    connectionString: `esdb://${silent.address}?tls=false`,
    partitionCount: 1,
    environment: '',
    positionsFolder: 'never-reached',
    health: null,
    crashAt: undefined,
    logLevel: 'silent',
  }
  const thread = startThread(DISPATCHER_THREAD, { name: 'dispatcher', input })
  await Promise.race([silent.connected, thread.done])
  await expect(thread.stop()).rejects.toMatchObject({ code: 'cancelled' })
  await expect(thread.ready).rejects.toMatchObject({ code: 'cancelled' })
})
