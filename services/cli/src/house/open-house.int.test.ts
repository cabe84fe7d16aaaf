import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { LOCK_FOLDER, readLock } from '@riskledger/runtime'
import { SilentServer } from '@riskledger/testing'
import { temporaryFolder } from '../testing/small-scenario'
import { EMBEDDED, openHouse } from './open-house'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let abort: AbortController

beforeEach(async () => {
  folder = await temporaryFolder()
  abort = new AbortController()
})
afterEach(() => folder.remove())

/** Where the ledger answered that the lock names. */
async function announced(): Promise<URL> {
  const lockFolder = join(folder.path, LOCK_FOLDER)
  const [newest] = (await readdir(lockFolder)).sort().reverse()
  return new URL((JSON.parse(await readFile(join(lockFolder, newest), 'utf8')) as { connectionString: string }).connectionString)
}

describe('a house that was opened by half', () => {
  test('serves no ledger any more, and gives the folder back', async () => {
    abort.abort()
    const opening = openHouse({ ...EMBEDDED, dataDir: folder.path, command: 'test', signal: abort.signal })
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' })
    const { hostname, port } = await announced()
    await expect(once(connect(Number(port), hostname).unref(), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await readLock(folder.path)).toBeUndefined()
  })

  test('tells what failed first where the folder cannot be given back', async () => {
    const silent = await SilentServer.start()
    try {
      const ledgerUrl = `esdb://${silent.address}?tls=false`
      const opening = openHouse({ ...EMBEDDED, ledgerUrl, dataDir: folder.path, command: 'test', signal: abort.signal })
      await silent.connected
      await rm(join(folder.path, LOCK_FOLDER), { recursive: true })
      abort.abort()
      await expect(opening).rejects.toMatchObject({ code: 'cancelled' })
    } finally {
      await silent.close()
    }
  })
})
