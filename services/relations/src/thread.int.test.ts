import { startThread } from '@riskledger/runtime'
import { SilentServer } from '@riskledger/testing'
import { RELATIONS_THREAD, type RelationsThreadInput } from './index'

let silent: SilentServer

beforeEach(async () => {
  silent = await SilentServer.start()
})
afterEach(() => silent.close())

test('told to stop while its ledger does not answer, it leaves as cancelled', async () => {
  const input = {
    connectionString: `esdb://${silent.address}?tls=false`,
    partitionCount: 1,
    environment: '',
    engineHash: '0'.repeat(64),
    epochMs: 1_000,
    cacheFolder: 'never-reached',
    health: null,
    crashAt: undefined,
    logLevel: 'silent',
  } satisfies Partial<RelationsThreadInput>
  const thread = startThread(RELATIONS_THREAD, { name: 'relations', input })
  await Promise.race([silent.connected, thread.done])
  await expect(thread.stop()).rejects.toMatchObject({ code: 'cancelled' })
  await expect(thread.ready).rejects.toMatchObject({ code: 'cancelled' })
})
