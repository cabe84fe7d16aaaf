import { lastEntry, type CheckedEntry } from '@riskledger/journal'
import type { JournalFold } from '@riskledger/screening'
import type { WorkerOptions } from './partition-worker'

/** With fewer entries and fewer inputs than these whoever reads a journal is done before a thread that reads ahead has started. */
const WORTH_A_THREAD = { entries: 1_000, inputs: 50_000 }
/** Of an entry, where the last one does not tell how many there are in all. */
const LIKELY_INPUTS = 500

/** Whether a thread of its own should read so much ahead; by what is known of it. */
export function isWorthAThread({ entries = 0, inputs = 0 }: { readonly entries?: number; readonly inputs?: number }): boolean {
  return entries >= WORTH_A_THREAD.entries || inputs >= WORTH_A_THREAD.inputs
}

/**
 * The entries beyond a fold, where somebody reads them ahead; nothing where there are few, so that the fold reads them itself. How many inputs they hold is
 * told by the last entry, where that is a batch.
 */
export async function entriesBeyond(
  { head, step }: Pick<JournalFold, 'head' | 'step'>,
  { ledger, entriesAhead }: Pick<WorkerOptions, 'ledger' | 'entriesAhead'>,
): Promise<{ readonly entries?: AsyncIterable<CheckedEntry> }> {
  if (entriesAhead === undefined) return {}
  const last = await lastEntry(ledger, head.stream)
  if (last === null) return {}
  const entries = last.recorded.revision - head.revision
  const { lastSequence } = last.metadata
  const inputs = lastSequence === undefined ? entries * LIKELY_INPUTS : lastSequence - (step === null ? 0 : step.nextSequence - 1)
  return isWorthAThread({ entries, inputs }) ? { entries: entriesAhead(head) } : {}
}
