import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLedgerServer, type LedgerServer } from '@riskledger/ledger-server'
import { connectLedger } from './index'
import { describeLedger } from './ledger-contract'

const LIMIT = 1024 * 1024
const real = process.env.RISKLEDGER_LEDGER_URL

jest.setTimeout(60_000)

if (real !== undefined && real !== '') {
  describeLedger('EventStoreDB', () => ({ connect: () => connectLedger({ connectionString: real }), maxAppendBytes: LIMIT }))
} else {
  test.skip('skipped: EventStoreDB (set RISKLEDGER_LEDGER_URL to run the suite against one)', () => undefined)
}

describe('with a server of its own', () => {
  let folder: string
  let server: LedgerServer
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'riskledger-contract-'))
    server = await startLedgerServer({ folder: join(folder, 'ledger') })
  })
  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  describeLedger('the embedded ledger', () => ({
    connect: () => connectLedger({ connectionString: server.connectionString }),
    maxAppendBytes: LIMIT,
  }))
})
