import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, openEventLog, startThread, threadModule } from '@riskledger/runtime'
import { emptyHead, screeningStream } from '@riskledger/journal'
import { KeptLogger, SilentServer } from '@riskledger/testing'
import { DEFAULT_PACE, SCREENER_THREAD, type ScreenerThreadInput } from './index'
import type { JournalThreadInput } from './journal-thread'

let folder: string
let silent: SilentServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-screener-'))
  silent = await SilentServer.start()
})
afterEach(async () => {
  await silent.close()
  await rm(folder, { recursive: true })
})

test('told to stop while its ledger does not answer, it leaves as cancelled', async () => {
  const log = { kind: 'embedded', folder: join(folder, 'log') } as const
  await (await openEventLog(log, { partitionCount: 1, access: 'write', logger: new KeptLogger(), metrics: createMetrics() })).close()
  const input: ScreenerThreadInput = {
    log,
    cacheFolder: join(folder, 'cache'),
    assignment: { kind: 'fixed', partitions: [0] },
    connectionString: `esdb://${silent.address}?tls=false`,
    partitionCount: 1,
    environment: '',
    workerId: 'worker',
    engineHash: '0'.repeat(64),
    policy: null,
    firstPolicy: null,
    challengeSecret: 'secret',
    tells: 'assignments',
    logLevel: 'silent',
    health: null,
    crashAt: undefined,
    pace: DEFAULT_PACE,
  }
  const thread = startThread(SCREENER_THREAD, { name: 'screener', input })
  await Promise.race([silent.connected, thread.done])
  await expect(thread.stop()).rejects.toMatchObject({ code: 'cancelled' })
  await expect(thread.ready).rejects.toMatchObject({ code: 'cancelled' })
})

test('so does the thread that reads a journal ahead', async () => {
  const input: JournalThreadInput = {
    connectionString: `esdb://${silent.address}?tls=false`,
    after: emptyHead(screeningStream(0, 0)),
    until: null,
  }
  const module = threadModule(__dirname, { source: 'journal-thread.ts', bundled: 'journal-thread' })
  const thread = startThread(module, { name: 'journal', input })
  await Promise.race([silent.connected, thread.done])
  await expect(thread.stop()).rejects.toMatchObject({ code: 'cancelled' })
  await expect(thread.ready).rejects.toMatchObject({ code: 'cancelled' })
})
