import { RiskError, type RecordedEntry } from '@riskledger/contracts'
import { loggedRetry, withRetry, type LoopTimers } from '@riskledger/runtime'
import { LearnedWriter, type Consumed } from './learned-writer'
import { RelationsFold } from './relations-fold'
import { RelationsSnapshots, type SnapshotsOptions } from './relations-snapshots'
import { tellPassedOver } from './tell-passed-over'

/** What relations stand on. */
export interface RelationsOptions extends SnapshotsOptions {
  readonly signal: AbortSignal
  /** How it waits between two tries; default: as the process does. */
  readonly sleep?: LoopTimers['sleep']
  /** After each journal entry of inputs that was folded. */
  readonly onEntry?: (consumed: Consumed) => void
}

/**
 * Folds all journals into what is known of counterparties and devices and writes what changed to the relations streams, until `signal` aborts. Goes on from the
 * newest snapshot that the ledger bears out, else from the journals' first entries. A ledger that does not answer is asked again with growing pauses, behind the last
 * entry folded; rejects where it has not answered 100 tries in a row, with `limit-reached`, and where it cannot be followed.
 */
export async function runRelations(options: RelationsOptions): Promise<void> {
  const { ledger, signal, sleep, logger } = options
  const snapshots = new RelationsSnapshots(options)
  const resumed = await withRetry(() => snapshots.resume(), { name: 'relations', signal, sleep })
  const fold = resumed?.fold ?? new RelationsFold(options)
  const writer = await LearnedWriter.open(ledger, { ...options, tails: resumed?.tails })
  const tell = tellPassedOver(options)
  tell(fold.passedOver)
  const take = async (entry: RecordedEntry): Promise<void> => {
    const folded = fold.fold(entry)
    if (folded === null) return
    const { inputs, learned } = folded
    const consumed = { stream: entry.stream, revision: entry.revision }
    if (learned !== null) await writer.write({ ...learned, consumed })
    tell(fold.passedOver)
    snapshots.takeIfDue(entry, { inputs, fold, writer })
    options.onEntry?.(consumed)
  }
  const streamPrefixes = [`${options.environment}screening-`]
  let after: NonNullable<RecordedEntry['position']> | 'start' = resumed?.after ?? 'start'
  const follow = async (onProgress: () => void): Promise<void> => {
    for await (const message of ledger.subscribeToAll({ after, streamPrefixes, signal })) {
      onProgress()
      if (message.kind !== 'entry') continue
      // Before it is folded: no entry may be folded twice.
      after = message.entry.position ?? after
      await take(message.entry)
    }
  }
  const timers = sleep === undefined ? undefined : { sleep }
  try {
    await loggedRetry(follow, { name: 'following the journals', signal, timers, logger, context: { part: 'relations' } })
  } catch (error) {
    // Stopped while the ledger was away: what was not written is learned again.
    if (!signal.aborted || !(error instanceof RiskError) || !error.retriable) throw error
  }
}
