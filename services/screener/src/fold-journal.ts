import { RiskError, type Ledger, type SnapshotStore } from '@riskledger/contracts'
import { checkedEntries, holdsEntry, type CheckedEntry, type OpenedEntry } from '@riskledger/journal'
import { JournalFold, policyHashOfState, readState, type InputVisitor, type WorkerState } from '@riskledger/screening'
import type { PolicyShelf } from './policy-shelf'

/** What a fold stands on. */
export interface FoldContext {
  readonly ledger: Ledger
  readonly policies: PolicyShelf
}

/** How a fold goes on. */
export interface FoldOptions {
  readonly visit?: InputVisitor
  readonly onEntry?: (entry: OpenedEntry) => void
  /** Last revision to fold; left out: all there is. */
  readonly until?: number
  /** Awaited after each entry, so that what else the thread does goes on meanwhile; left out: it waits. */
  readonly nextTurn?: () => Promise<void>
  /** The entries beyond the fold, checked, where somebody else reads them ahead; left out: read here. */
  readonly entries?: AsyncIterable<CheckedEntry>
}

/**
 * Continues a fold over the entries that its stream holds beyond it, checking each against the chain. Returns how many there were.
 * A stream that does not exist has none. Throws `ledger-corrupt` naming stream, revision and reason.
 */
export async function foldForward(fold: JournalFold, context: FoldContext, options?: FoldOptions): Promise<number> {
  const stream = fold.head.stream
  let count = 0
  try {
    for await (const checked of options?.entries ?? checkedEntries(context.ledger, fold.head)) {
      if (options?.until !== undefined && checked.revision > options.until) break
      const entry = wholeOrThrow(stream, checked)
      if (entry.type === 'PolicyActivated') await context.policies.load(policyHashOf(entry))
      fold.apply(entry, (hash) => context.policies.get(hash), options?.visit)
      options?.onEntry?.(entry)
      count++
      await options?.nextTurn?.()
    }
  } catch (error) {
    if (error instanceof RiskError && error.code === 'stream-not-found') return 0
    throw error
  }
  // Up to the journal's end no batch may lack a decision; up to an entry in the middle the rest of its batch is still to come.
  if (options?.until === undefined) fold.finish()
  return count
}

/**
 * A fold at the newest snapshot that the journal still bears out: same stream, and the entry at its revision has its hash. Without one, a fold
 * at the beginning.
 */
export async function foldFromSnapshot(
  stream: string,
  context: FoldContext,
  options: { readonly snapshots: Pick<SnapshotStore, 'load'> | null; readonly formatHash: string },
): Promise<JournalFold> {
  const fold = new JournalFold(stream)
  if (options.snapshots === null) return fold
  for await (const snapshot of options.snapshots.load(stream)) {
    if (snapshot.stream !== stream || snapshot.formatHash !== options.formatHash) continue
    if (!(await holdsEntry(context.ledger, snapshot))) continue
    const state = await stateOf(snapshot.state, context.policies)
    if (state === null) continue
    fold.resume({ head: { stream, revision: snapshot.revision, entryHash: snapshot.entryHash }, ...state })
    return fold
  }
  return fold
}

/** The state that a snapshot holds; null where its bytes are none of this version's, whatever is wrong with them: a snapshot is a cache, the journal has it all. */
async function stateOf(bytes: Uint8Array, policies: PolicyShelf): Promise<WorkerState | null> {
  const policyHash = orNull(() => policyHashOfState(bytes))
  if (policyHash === null) return null
  await policies.load(policyHash)
  return orNull(() => readState(bytes, (hash) => policies.get(hash)))
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

function wholeOrThrow(stream: string, { revision, opened }: CheckedEntry): OpenedEntry {
  if (opened.kind === 'whole') return opened.entry
  throw new RiskError(
    'ledger-corrupt',
    `${stream}@${revision}: ${opened.reason}. Entries before @${revision} are whole. Restore from a backup, then run verify again.`,
    { retriable: false, context: { stream, revision } },
  )
}

function policyHashOf(entry: OpenedEntry): string {
  return (JSON.parse(Buffer.from(entry.data).toString('utf8')) as { policyHash: string }).policyHash
}
