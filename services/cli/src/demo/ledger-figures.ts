import { createHash } from 'node:crypto'
import type { Ledger } from '@riskledger/contracts'
import { screeningStream } from '@riskledger/journal'
import { readJournals } from '../house/read-journals'

/** What the journals of a ledger amount to. */
export interface LedgerFigures {
  readonly entries: number
  /** Data and metadata of the journals as stored. */
  readonly storedBytes: number
  readonly journalDigest: string
  /** Hash of the last entry; of several partitions, the hash of their last entries' hashes in order. */
  readonly headHash: string
}

/** Reads all journals once, checking their chains. */
export async function ledgerFigures(
  ledger: Ledger,
  options: { readonly partitions: number; readonly environment: string },
): Promise<LedgerFigures> {
  const { readings, digest } = await readJournals(ledger, options)
  const heads: string[] = []
  for (let partition = 0; partition < options.partitions; partition++)
    heads.push(await headHashOf(ledger, screeningStream(partition, 0, options.environment)))
  return {
    entries: readings.reduce((sum, reading) => sum + reading.entries, 0),
    storedBytes: readings.reduce((sum, reading) => sum + reading.storedBytes, 0),
    journalDigest: digest,
    headHash: heads.length === 1 ? heads[0] : createHash('sha256').update(heads.join('')).digest('hex'),
  }
}

async function headHashOf(ledger: Ledger, stream: string): Promise<string> {
  for await (const entry of ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) {
    return (JSON.parse(Buffer.from(entry.metadata).toString('utf8')) as { entryHash: string }).entryHash
  }
  throw new Error(`${stream} is empty`)
}
