import { RiskError, type Ledger, type RecordedEntry } from '@riskledger/contracts'
import { openEntry, readMetadata, type OpenedEntry } from './open-entry'
import type { ChainHead, EntryMetadata } from './seal-entry'

/** Entries that one read towards the beginning asks for. */
const BACKWARDS_ENTRIES = 256

/** An entry with its metadata read and its data as stored. */
export interface PeekedEntry {
  readonly recorded: RecordedEntry
  readonly metadata: EntryMetadata
}

/**
 * One entry of a hash-chained stream, its content checked against its own hash and id; whether the entries before it are whole is for verify to say.
 * Throws `not-found` where the stream or the revision does not exist, `ledger-corrupt` where the entry is not as it was written.
 */
export async function entryAt(ledger: Ledger, stream: string, revision: number): Promise<OpenedEntry> {
  const { recorded, metadata } = await peekAt(ledger, stream, revision)
  const opened = openEntry({ stream, revision: revision - 1, entryHash: metadata.previousEntryHash }, recorded)
  if (opened.kind === 'whole') return opened.entry
  throw corrupt(recorded, opened.reason)
}

/** One entry with its metadata alone; throws as `entryAt`. */
export async function peekAt(ledger: Ledger, stream: string, revision: number): Promise<PeekedEntry> {
  const recorded = await recordedAt(ledger, stream, revision)
  if (recorded !== null) return peek(recorded)
  throw new RiskError('not-found', `${stream} has no entry @${revision}.`, { retriable: false, context: { stream, revision } })
}

/**
 * Whether the ledger holds an entry with this hash at its place, as far as its metadata tells, and, where one is given and the ledger tells places in `$all`, at that one.
 */
export async function holdsEntry(
  ledger: Ledger,
  { stream, revision, entryHash }: ChainHead,
  position?: NonNullable<RecordedEntry['position']>,
): Promise<boolean> {
  const recorded = await recordedAt(ledger, stream, revision)
  if (recorded === null || readMetadata(recorded.metadata)?.entryHash !== entryHash) return false
  if (position === undefined || recorded.position === undefined) return true
  return recorded.position.commit === position.commit && recorded.position.prepare === position.prepare
}

/** Whether the ledger holds the last entry of each of these heads; one before a stream's first entry counts as held. */
export async function holdsEntries(ledger: Ledger, heads: readonly ChainHead[]): Promise<boolean> {
  const held = await Promise.all(heads.map(async (head) => head.revision < 0 || (await holdsEntry(ledger, head))))
  return !held.includes(false)
}

async function recordedAt(ledger: Ledger, stream: string, revision: number): Promise<RecordedEntry | null> {
  try {
    for await (const recorded of ledger.readStream(stream, { from: revision, direction: 'forwards', maxCount: 1 })) {
      if (recorded.revision === revision) return recorded
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return null
}

/** The entries from `from` towards the beginning, metadata read; nothing where the stream does not exist. */
export async function* peekBackwards(ledger: Ledger, stream: string, from: number | 'end'): AsyncGenerator<PeekedEntry, void, undefined> {
  let next: number | 'end' = from
  for (;;) {
    let last = -1
    try {
      for await (const recorded of ledger.readStream(stream, { from: next, direction: 'backwards', maxCount: BACKWARDS_ENTRIES })) {
        last = recorded.revision
        yield peek(recorded)
      }
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
      return
    }
    if (last <= 0) return
    next = last - 1
  }
}

/** The last entry of a stream, or null where there is none. */
export async function lastEntry(ledger: Ledger, stream: string): Promise<PeekedEntry | null> {
  try {
    for await (const recorded of ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) return peek(recorded)
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return null
}

function peek(recorded: RecordedEntry): PeekedEntry {
  const metadata = readMetadata(recorded.metadata)
  if (metadata === null) throw corrupt(recorded, 'its metadata cannot be read')
  return { recorded, metadata }
}

function corrupt({ stream, revision }: RecordedEntry, reason: string): RiskError {
  return new RiskError(
    'ledger-corrupt',
    `${stream}@${revision}: ${reason}. Run riskledger verify; restore from a backup (riskledger backup).`,
    {
      retriable: false,
      context: { stream, revision },
    },
  )
}
