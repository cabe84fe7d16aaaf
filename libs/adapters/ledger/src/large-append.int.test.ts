import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLedgerServer } from '@riskledger/ledger-server'
import { connectLedger } from './index'
import { collect } from './ledger-contract'

jest.setTimeout(60_000)

const MEBIBYTE = 1024 * 1024

test.each([1, 2])('an append of %d MiB twice over, in one message or split by the client: read back byte for byte', async (mebibytes) => {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-large-'))
  const server = await startLedgerServer({ folder, maxAppendBytes: 8 * MEBIBYTE })
  const ledger = await connectLedger({ connectionString: server.connectionString, maxAppendBytes: 8 * MEBIBYTE })
  try {
    const metadata = Buffer.from('{"m":1}')
    const entries = [
      { id: randomUUID(), type: 'Blob', contentType: 'binary' as const, data: Buffer.alloc(mebibytes * MEBIBYTE, 7), metadata },
      { id: randomUUID(), type: 'Text', contentType: 'json' as const, data: Buffer.from('{"ö":[1,"z"]}'), metadata },
      { id: randomUUID(), type: 'Blob', contentType: 'binary' as const, data: Buffer.alloc(mebibytes * MEBIBYTE, 9), metadata },
    ]
    expect(await ledger.append('s', 'no-stream', entries)).toBe(2)
    expect(await ledger.append('s', 2, [{ ...entries[0], id: randomUUID() }])).toBe(3)
    const read = await collect(ledger.readStream('s', { from: 'start', direction: 'forwards', maxCount: 3 }))
    expect(read.map(({ id, type, contentType }) => ({ id, type, contentType }))).toEqual(
      entries.map(({ id, type, contentType }) => ({ id, type, contentType })),
    )
    for (const [index, entry] of read.entries()) {
      expect(Buffer.compare(entry.data, entries[index].data)).toBe(0)
      expect(Buffer.compare(entry.metadata, metadata)).toBe(0)
    }
  } finally {
    await ledger.close()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
