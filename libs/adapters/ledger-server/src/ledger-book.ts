import { AppendView, DamagedRecordError } from './append-record'
import { placeRecord, type BuiltRecord } from './build-record'
import type { Expected } from './append-request'
import type { LedgerStorage, StoredAppend, WriteProgress } from './ledger-storage'
import { RecentAppends } from './recent-appends'
import { compareIds, findRecent } from './repetition'

/** What an append came to. `current` is the stream's last revision, or null where there is no such stream. */
export type AppendOutcome =
  | { readonly kind: 'appended'; readonly revision: number; readonly position: number }
  | { readonly kind: 'wrong-expected-version'; readonly current: number | null }

/** Names of the moments at which a crash is worth trying. */
export type LedgerCrashPoint = 'ledger-append-received' | 'ledger-append-committed' | 'ledger-append-flushed'

/** How to keep a book. */
export interface LedgerBookOptions {
  readonly storage: LedgerStorage
  /** Called at each crash point; a test ends the process in it. */
  readonly crashPoint: (name: LedgerCrashPoint) => void
  /** Newest appends kept in memory, in bytes. */
  readonly recentBytes: number
  /** How far back, in bytes of the stream's records, ids are compared when any revision will do. */
  readonly idempotencyWindowBytes: number
}

interface StreamHead {
  readonly streamNumber: number
  /** Last revision given out, flushed or not. */
  lastRevision: number
}

interface PendingAppend {
  readonly stored: StoredAppend
  readonly view: AppendView
  readonly group: Group
}

interface Group {
  readonly appends: PendingAppend[]
  readonly flushed: Promise<void>
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

const MAX_CACHED_HEADS = 50_000
const DAMAGED_TAIL_GAP = 2 ** 24

/**
 * Decides appends and makes them durable. All decisions are taken at once, in order of arrival, against what has been decided
 * before, flushed or not; appends that arrive while a transaction is being written share the next one. An outcome is told, and
 * an event shown to readers, only once it is flushed. If a transaction fails, it and all that were decided after it fail.
 */
export class LedgerBook {
  private readonly heads = new Map<string, StreamHead>()
  private readonly recent: RecentAppends
  private readonly listeners = new Set<() => void>()
  private readonly unflushed = new Map<number, PendingAppend>()
  private open: Group | undefined
  private writing = false
  private nextPosition: number
  private lastStreamNumber: number
  private flushedPosition: number
  private scheduled = false

  constructor(private readonly options: LedgerBookOptions) {
    this.recent = new RecentAppends(options.recentBytes)
    this.nextPosition = this.firstFreePosition()
    this.flushedPosition = this.nextPosition - 1
    this.lastStreamNumber = options.storage.lastStreamNumber()
  }

  /** Position of the last event that readers may see; 0 where there is none. Positions count events from 1. */
  get visiblePosition(): number {
    return this.flushedPosition
  }

  /** Calls back after each flush that made events visible. Returns what ends it. */
  onVisible(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Resolves once the outcome is durable; rejects with the storage's error where it could not be made so. */
  async append(stream: string, expected: Expected, built: BuiltRecord): Promise<AppendOutcome> {
    this.options.crashPoint('ledger-append-received')
    const head = this.head(stream)
    const current = head?.lastRevision ?? -1
    const proposed = new AppendView(built.record)
    const known = this.alreadyAppended(head, expected, proposed)
    if (known === 'conflict') return { kind: 'wrong-expected-version', current: current < 0 ? null : current }
    if (known !== undefined) {
      await this.durable(known.position)
      return { kind: 'appended', ...known }
    }
    if (!allows(expected, current)) return { kind: 'wrong-expected-version', current: current < 0 ? null : current }
    return this.accept(stream, head, built)
  }

  /** The record that begins at this position. Throws `DamagedRecordError` where it cannot be read. */
  view(position: number): AppendView {
    const cached = this.recent.get(position)
    if (cached !== undefined) return cached
    const bytes = this.options.storage.recordAt(position)
    if (bytes === undefined) throw new DamagedRecordError(`the record at position ${position} is missing`)
    return new AppendView(bytes)
  }

  /**
   * The visible append that holds this revision of the stream, or undefined where it is beyond what readers can see.
   * Throws `DamagedRecordError` where the index has lost it.
   */
  visibleAppend(stream: string, revision: number): AppendView | undefined {
    const newest = this.recent.newest(stream)
    if (newest !== undefined && revision >= newest.firstRevision) {
      // A live subscriber asks for just this one after every flush, whichever stream it was for: the store need not be asked.
      return revision <= newest.lastRevision && newest.firstPosition <= this.flushedPosition ? newest : undefined
    }
    const streamNumber = this.options.storage.streamNumber(stream)
    if (streamNumber === undefined) return undefined
    const found = this.options.storage.appendAtOrBefore(streamNumber, revision)
    if (found !== undefined && found.position > this.flushedPosition) return undefined
    const view = found === undefined ? undefined : this.checkedView(stream, found)
    if (view !== undefined && revision <= view.lastRevision) return view
    this.assertBeyondEnd(stream, revision)
    return undefined
  }

  /** The stream's last visible append; undefined where there is none. */
  lastVisibleAppend(stream: string): AppendView | undefined {
    const streamNumber = this.options.storage.streamNumber(stream)
    if (streamNumber === undefined) return undefined
    let found = this.options.storage.appendAtOrBefore(streamNumber, Number.MAX_SAFE_INTEGER)
    while (found !== undefined && found.position > this.flushedPosition) {
      found = this.options.storage.appendAtOrBefore(streamNumber, found.firstRevision - 1)
    }
    return found === undefined ? undefined : this.checkedView(stream, found)
  }

  /**
   * The visible append that holds this position of `$all`, else the nearest one in the direction of the read. Throws `DamagedRecordError` where its stream's
   * index has lost it: who reads that stream would miss it.
   */
  visibleAppendNear(position: number, direction: 'forwards' | 'backwards'): AppendView | undefined {
    const { storage } = this.options
    if (direction === 'forwards' && position > this.flushedPosition) return undefined
    const from = Math.min(position, this.flushedPosition)
    const before = this.recent.get(from) === undefined ? storage.positionAtOrBefore(from) : from
    const view = before === undefined ? undefined : this.indexedView(before)
    if (direction === 'backwards' || (view !== undefined && view.lastPosition >= from)) return view
    const after = storage.positionAtOrAfter(from)
    return after === undefined || after > this.flushedPosition ? undefined : this.indexedView(after)
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.unflushed.size > 0) await Promise.allSettled([...this.unflushed.values()].map((append) => append.group.flushed))
  }

  /** A reader would take a hole in the index for the stream's end. */
  private assertBeyondEnd(stream: string, revision: number): void {
    const last = this.lastVisibleAppend(stream)?.lastRevision ?? -1
    if (revision > last) return
    throw new DamagedRecordError(`stream ${stream}: revision ${revision} is missing from the index, which goes on to revision ${last}`)
  }

  private indexedView(position: number): AppendView {
    const view = this.view(position)
    if (this.recent.get(position) !== undefined) return view
    const { stream, firstRevision } = view
    const streamNumber = this.options.storage.streamNumber(stream)
    const found = streamNumber === undefined ? undefined : this.options.storage.appendAtOrBefore(streamNumber, firstRevision)
    if (found?.position === position) return view
    throw new DamagedRecordError(
      `stream ${stream}: revision ${firstRevision} is missing from the index, and the record at position ${position} holds it`,
    )
  }

  private checkedView(stream: string, found: { readonly firstRevision: number; readonly position: number }): AppendView {
    try {
      const view = this.view(found.position)
      if (view.firstPosition === found.position && view.firstRevision === found.firstRevision) return view
    } catch (cause) {
      if (!(cause instanceof DamagedRecordError)) throw cause
    }
    throw new DamagedRecordError(
      `stream ${stream}, revision ${found.firstRevision}: the record at position ${found.position} cannot be read`,
    )
  }

  private accept(stream: string, head: StreamHead | undefined, built: BuiltRecord): Promise<AppendOutcome> {
    const firstRevision = head === undefined ? 0 : head.lastRevision + 1
    const position = this.nextPosition
    placeRecord(built.record, firstRevision, position)
    const streamNumber = head?.streamNumber ?? ++this.lastStreamNumber
    if (head === undefined) this.remember(stream, { streamNumber, lastRevision: built.count - 1 })
    else head.lastRevision += built.count
    this.nextPosition += built.count
    const view = new AppendView(built.record)
    const group = (this.open ??= newGroup())
    const stored = { position, streamNumber, firstRevision, newStream: head === undefined ? stream : undefined, record: built.record }
    const pending = { stored, view, group }
    group.appends.push(pending)
    this.unflushed.set(position, pending)
    this.recent.add(view)
    this.schedule()
    const outcome: AppendOutcome = { kind: 'appended', revision: view.lastRevision, position: view.lastPosition }
    return group.flushed.then(() => outcome)
  }

  /**
   * Starts a transaction at the end of this turn of the event loop, unless one is being written: then when that one is flushed.
   * One at a time, so that a failure leaves nothing half done behind it; LMDB's commit waits for the disk anyway.
   */
  private schedule(): void {
    if (this.scheduled || this.writing) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.writeGroup()
    })
  }

  private writeGroup(): void {
    const group = this.open
    if (group === undefined || this.writing) return
    this.open = undefined
    this.writing = true
    const last = group.appends[group.appends.length - 1].view.lastPosition
    let progress: WriteProgress
    try {
      progress = this.options.storage.write(group.appends.map((append) => append.stored))
    } catch (cause) {
      this.fail(cause)
      return
    }
    const committed = progress.committed.then(() => this.options.crashPoint('ledger-append-committed'))
    Promise.all([committed, progress.flushed]).then(
      () => this.flushedTo(group, last),
      (cause: unknown) => this.fail(cause),
    )
  }

  private flushedTo(group: Group, last: number): void {
    this.options.crashPoint('ledger-append-flushed')
    for (const append of group.appends) this.unflushed.delete(append.stored.position)
    this.flushedPosition = last
    this.writing = false
    if (this.open !== undefined) this.schedule()
    group.resolve()
    for (const listener of [...this.listeners]) listener()
  }

  /** Forgets everything that is not stored, and tells every caller that still waits. */
  private fail(cause: unknown): void {
    const groups = new Set([...this.unflushed.values()].map((append) => append.group))
    this.unflushed.clear()
    this.heads.clear()
    this.recent.clear()
    this.open = undefined
    this.writing = false
    this.nextPosition = this.firstFreePosition()
    this.lastStreamNumber = this.options.storage.lastStreamNumber()
    for (const group of groups) group.reject(cause)
  }

  private firstFreePosition(): number {
    const position = this.options.storage.positionAtOrBefore(Number.MAX_SAFE_INTEGER)
    if (position === undefined) return 1
    try {
      return this.view(position).lastPosition + 1
    } catch (cause) {
      if (!(cause instanceof DamagedRecordError)) throw cause
      // Its count cannot be read, so leave more room than any append can have taken.
      return position + DAMAGED_TAIL_GAP
    }
  }

  private head(stream: string): StreamHead | undefined {
    const cached = this.heads.get(stream)
    if (cached !== undefined) return cached
    const streamNumber = this.options.storage.streamNumber(stream)
    if (streamNumber === undefined) return undefined
    const last = this.options.storage.appendAtOrBefore(streamNumber, Number.MAX_SAFE_INTEGER)
    if (last === undefined) throw new DamagedRecordError(`stream ${stream} is registered and has no entry`)
    const head = { streamNumber, lastRevision: this.view(last.position).lastRevision }
    this.remember(stream, head)
    return head
  }

  private remember(stream: string, head: StreamHead): void {
    // A head may only be dropped while the store tells the same, that is while nothing is unflushed.
    if (this.heads.size >= MAX_CACHED_HEADS && this.unflushed.size === 0) this.heads.clear()
    this.heads.set(stream, head)
  }

  private async durable(position: number): Promise<void> {
    if (position <= this.flushedPosition) return
    for (const append of this.unflushed.values()) {
      if (position >= append.view.firstPosition && position <= append.view.lastPosition) return append.group.flushed
    }
  }

  /** Undefined: not a repetition. Compares ids alone, as EventStoreDB does. */
  private alreadyAppended(
    head: StreamHead | undefined,
    expected: Expected,
    proposed: AppendView,
  ): { readonly revision: number; readonly position: number } | 'conflict' | undefined {
    if (head === undefined) return undefined
    const source = { lastRevision: head.lastRevision, viewOf: (revision: number) => this.viewOf(head, revision) }
    if (expected.kind === 'any' || expected.kind === 'stream-exists') {
      const revision = findRecent(source, proposed, { windowBytes: this.options.idempotencyWindowBytes })
      return revision === undefined ? undefined : compareIds(source, proposed, { revision })
    }
    const expectedRevision = expected.kind === 'no-stream' ? -1 : expected.revision
    if (expectedRevision >= head.lastRevision) return undefined
    return compareIds(source, proposed, { revision: expectedRevision + 1 })
  }

  private viewOf(head: StreamHead, revision: number): AppendView {
    for (const { stored, view } of this.unflushed.values()) {
      if (stored.streamNumber === head.streamNumber && revision >= view.firstRevision && revision <= view.lastRevision) return view
    }
    const found = this.options.storage.appendAtOrBefore(head.streamNumber, revision)
    if (found === undefined) throw new DamagedRecordError(`revision ${revision} is missing from the index`)
    return this.view(found.position)
  }
}

function allows(expected: Expected, current: number): boolean {
  switch (expected.kind) {
    case 'any':
      return true
    case 'stream-exists':
      return current >= 0
    case 'no-stream':
      return current < 0
    case 'exact':
      return expected.revision === current
    default: {
      const unknown: never = expected
      return unknown
    }
  }
}

function newGroup(): Group {
  let resolve: () => void = () => undefined
  let reject: (cause: unknown) => void = () => undefined
  const flushed = new Promise<void>((onFlushed, onFailed) => {
    resolve = onFlushed
    reject = onFailed
  })
  // The appends in the group carry the failure on; the promise alone must not end the process.
  flushed.catch(() => undefined)
  return { appends: [], flushed, resolve, reject }
}
