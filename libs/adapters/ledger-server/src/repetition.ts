import type { AppendView } from './append-record'

/** A stream as far as repetitions are looked for in it: its last revision, and the append that holds a revision. */
export interface RepetitionSource {
  readonly lastRevision: number
  viewOf(revision: number): AppendView
}

/**
 * Compares the proposed ids with those at `revision` and after: the last revision and position if all are equal, else `conflict`.
 * Ids alone are compared, as EventStoreDB does.
 */
export function compareIds(
  source: RepetitionSource,
  proposed: AppendView,
  { revision }: { readonly revision: number },
): { revision: number; position: number } | 'conflict' {
  let position = 0
  let view: AppendView | undefined
  for (let i = 0; i < proposed.count; i++) {
    const wanted = revision + i
    if (wanted > source.lastRevision) return 'conflict'
    if (view === undefined || wanted > view.lastRevision) view = source.viewOf(wanted)
    const index = wanted - view.firstRevision
    if (!view.sameId(index, proposed, i)) return 'conflict'
    position = view.firstPosition + index
  }
  return { revision: revision + proposed.count - 1, position }
}

/** Revision of the newest event with the first proposed id, among the stream's last appends of about `windowBytes`. */
export function findRecent(
  source: RepetitionSource,
  proposed: AppendView,
  { windowBytes }: { readonly windowBytes: number },
): number | undefined {
  let budget = windowBytes
  for (let revision = source.lastRevision; revision >= 0 && budget > 0;) {
    const view = source.viewOf(revision)
    for (let i = view.count - 1; i >= 0; i--) if (view.sameId(i, proposed, 0)) return view.firstRevision + i
    budget -= view.bytes.length
    revision = view.firstRevision - 1
  }
  return undefined
}
