import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLedger } from '@riskledger/ledger'
import { startThread, threadModule } from '@riskledger/runtime'
import type { SealedBatch } from '@riskledger/screening'
import type { AppendThreadInput } from './append-thread'
import { cpuNanos } from './cpu-nanos'

const APPEND_THREAD = threadModule(__dirname, { source: 'append-thread.ts', bundled: 'append-thread' })

/**
 * CPU nanoseconds that appending all batches takes, one append for each and one after the other, as the screener does it: the client's part, the
 * embedded server's in its thread, and the kernel's for the loopback and the durable write. `batches` are a whole stream from its first entry.
 */
export async function measureAppend(batches: readonly SealedBatch[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-append-'))
  const input: AppendThreadInput = { folder }
  const thread = startThread<{ connectionString: string }>(APPEND_THREAD, { name: 'ledger', input })
  try {
    const ledger = await connectLedger(await thread.ready)
    try {
      return await cpuNanos(async () => {
        let revision = -1
        for (const { entries, head } of batches) {
          await ledger.append(head.stream, revision < 0 ? 'no-stream' : revision, entries)
          revision = head.revision
        }
      })
    } finally {
      await ledger.close()
    }
  } finally {
    await thread.stop()
    rmSync(folder, { recursive: true })
  }
}
