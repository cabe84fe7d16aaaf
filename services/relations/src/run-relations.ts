import { withRetry, type LoopTimers } from '@riskledger/runtime'
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
 * newest snapshot that the ledger bears out, else from the journals' first entries.
 */
export async function runRelations(options: RelationsOptions): Promise<void> {
  const { ledger, signal } = options
  const snapshots = new RelationsSnapshots(options)
  const resumed = await withRetry(() => snapshots.resume(), { name: 'relations', signal, sleep: options.sleep })
  const fold = resumed?.fold ?? new RelationsFold(options)
  const writer = await LearnedWriter.open(ledger, { ...options, tails: resumed?.tails })
  const tell = tellPassedOver(options)
  tell(fold.passedOver)
  const streamPrefixes = [`${options.environment}screening-`]
  for await (const message of ledger.subscribeToAll({ after: resumed?.after ?? 'start', streamPrefixes, signal })) {
    if (message.kind !== 'entry') continue
    const { entry } = message
    const folded = fold.fold(entry)
    if (folded === null) continue
    const { inputs, learned } = folded
    const consumed = { stream: entry.stream, revision: entry.revision }
    if (learned !== null) await writer.write({ ...learned, consumed })
    tell(fold.passedOver)
    snapshots.takeIfDue(entry, { inputs, fold, writer })
    options.onEntry?.(consumed)
  }
}
