import type { AppendView } from './append-record'
import type { LedgerBook } from './ledger-book'

/** A run of events inside one append, in the order of the read: from `first` towards `last`, both included. */
export interface EventRun {
  readonly view: AppendView
  readonly first: number
  readonly last: number
}

/** A place in a stream or in `$all` from which runs are taken until nothing visible is left; forwards, more may come later. */
export interface EventCursor {
  /** Throws `DamagedRecordError` where the store has lost what comes next. */
  next(): EventRun | undefined
}

/** Reads one stream forwards from a revision, or backwards from it to 0. A revision past the end reads backwards from the end. */
export class StreamCursor implements EventCursor {
  private revision: number

  constructor(
    private readonly book: LedgerBook,
    private readonly stream: string,
    private readonly from: { readonly revision: number; readonly direction: 'forwards' | 'backwards' },
  ) {
    this.revision = from.revision
  }

  next(): EventRun | undefined {
    if (this.revision < 0) return undefined
    if (this.from.direction === 'forwards') {
      const view = this.book.visibleAppend(this.stream, this.revision)
      if (view === undefined) return undefined
      const first = this.revision - view.firstRevision
      this.revision = view.lastRevision + 1
      return { view, first, last: view.count - 1 }
    }
    const view = this.book.visibleAppend(this.stream, this.revision) ?? this.book.lastVisibleAppend(this.stream)
    if (view === undefined) return undefined
    const first = Math.min(this.revision, view.lastRevision) - view.firstRevision
    this.revision = view.firstRevision - 1
    return { view, first, last: 0 }
  }
}

/** Reads `$all` forwards from a position, itself included, or backwards from a position, itself included. */
export class AllCursor implements EventCursor {
  private position: number

  constructor(
    private readonly book: LedgerBook,
    private readonly from: { readonly position: number; readonly direction: 'forwards' | 'backwards' },
  ) {
    this.position = from.position
  }

  next(): EventRun | undefined {
    const { direction } = this.from
    if (this.position < 1 && direction === 'backwards') return undefined
    const view = this.book.visibleAppendNear(Math.max(1, this.position), direction)
    if (view === undefined) return undefined
    if (direction === 'forwards') {
      const first = Math.max(0, this.position - view.firstPosition)
      this.position = view.lastPosition + 1
      return { view, first, last: view.count - 1 }
    }
    const first = Math.min(this.position, view.lastPosition) - view.firstPosition
    this.position = view.firstPosition - 1
    return { view, first, last: 0 }
  }
}
