import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, openEventLog, startThread } from '@riskledger/runtime'
import { KeptLogger, SilentServer } from '@riskledger/testing'
import { GATEWAY_THREAD, type GatewayThreadInput } from './index'

let folder: string
let silent: SilentServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-gateway-'))
  silent = await SilentServer.start()
})
afterEach(async () => {
  await silent.close()
  await rm(folder, { recursive: true })
})

test('told to stop while its ledger does not answer, it leaves as cancelled', async () => {
  const log = { kind: 'embedded', folder: join(folder, 'log') } as const
  await (await openEventLog(log, { partitionCount: 1, access: 'write', logger: new KeptLogger(), metrics: createMetrics() })).close()
  const input = {
    log,
    connectionString: `esdb://${silent.address}?tls=false`,
    partitionCount: 1,
    environment: '',
    host: '127.0.0.1',
    port: 0,
    apiKeys: 'off',
    logLevel: 'silent',
  } satisfies Partial<GatewayThreadInput>
  const thread = startThread(GATEWAY_THREAD, { name: 'gateway', input })
  await Promise.race([silent.connected, thread.done])
  await expect(thread.stop()).rejects.toMatchObject({ code: 'cancelled' })
  await expect(thread.ready).rejects.toMatchObject({ code: 'cancelled' })
})
