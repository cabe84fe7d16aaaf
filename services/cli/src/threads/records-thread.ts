import type { RecordedEntry } from '@riskledger/contracts'
import { connectLedger } from '@riskledger/ledger'
import { HandOver, runThread } from '@riskledger/runtime'

/** What the records thread is started with. */
export interface RecordsThreadInput {
  readonly connectionString: string
  readonly streamPrefixes: readonly string[]
}

/** An entry as it is recorded, nothing checked. Its metadata is one character for each byte: a view would be cloned with all that lies beside it. */
export type RecordItem = Omit<RecordedEntry, 'metadata'> & { readonly metadata: string }

/** Reads the whole ledger ahead of whoever checks it. */
runThread<RecordsThreadInput>(async ({ input, ready, ...context }) => {
  const handOver = new HandOver<RecordItem>(context)
  const ledger = await connectLedger({ connectionString: input.connectionString })
  ready()
  try {
    for await (const { metadata, ...rest } of ledger.readAll({ streamPrefixes: input.streamPrefixes })) {
      if (context.signal.aborted) break
      await handOver.add({ ...rest, metadata: Buffer.from(metadata.buffer, metadata.byteOffset, metadata.length).toString('latin1') })
    }
  } finally {
    // What came before an error is checked all the same.
    await handOver.flush()
    await ledger.close()
  }
})
