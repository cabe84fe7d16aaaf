import { RiskError, type Ledger, type Logger, type RecordedEntry } from '@riskledger/contracts'
import {
  decodeRelationsLearned,
  emptyHead,
  holdsEntries,
  lastEntry,
  readEntry,
  relationsStream,
  type LearnedFact,
} from '@riskledger/journal'
import { loggedRetry, type LoopTimers } from '@riskledger/runtime'
import type { FactDesk, FactsRead } from '@riskledger/screening'

/** Facts held back for epochs to come at most, of each relations stream; beyond it following fails. */
const MAX_WAITING_FACTS = 2_000_000

interface Waiting {
  readonly fact: LearnedFact
  readonly sourceRevision: number
  /** How far its stream had been read before the entry that tells it. */
  readonly before: FactsRead
}

/** One relations stream. */
interface Followed {
  readonly stream: string
  /** Revision after which following began. */
  readonly from: number
  /** Its last entry that was read. */
  read: FactsRead
  /** Revision of its last entry when following began, -1 where it had none; null before that is known. */
  lastAtStart: number | null
  /** True once everything up to there has been read. */
  caughtUp: boolean
  /** Facts not shown yet, in order of epoch. */
  readonly waiting: Waiting[]
}

/** Where what was learned is offered. */
export type OfferedTo = Pick<FactDesk, 'offer' | 'showOffered' | 'forgetOffered' | 'offeredThrough'>

export interface FactFeedOptions {
  /** At the end of its journal. */
  readonly desk: OfferedTo
  /** The last epoch that the worker's next input may know, whatever it is: facts up to it need not wait for that input. */
  readonly visibleEpoch: number
  readonly partitionCount: number
  /** Prefix of the streams' names. */
  readonly environment: string
  readonly logger: Logger
  /** Ends it. */
  readonly signal: AbortSignal
  /** How it waits before it asks again a ledger that was away; default: as the process does. */
  readonly timers?: Pick<LoopTimers, 'sleep'> | undefined
}

/**
 * Follows the relations streams and shows a worker what it may know. Facts of live inputs are known at once; facts of an epoch once the worker passes
 * `showThrough` of it: for a file's input as its time says, so that a file by itself gives the same verdicts however batches fell; for a live one as soon as they are complete.
 * Begins where the desk says that it was left (`FactDesk.offeredThrough`), so a restart reads what was learned since the snapshot, not what was ever learned.
 */
export class FactFeed {
  private readonly desk: OfferedTo
  private readonly followed: readonly Followed[]
  /** Kept, for it is asked for at each live input. */
  private leastThroughEpoch: number
  private failure: Error | null = null
  private wake: (() => void)[] = []

  private constructor(
    private readonly ledger: Ledger,
    { desk, partitionCount, environment }: FactFeedOptions,
  ) {
    this.desk = desk
    this.followed = Array.from({ length: partitionCount }, (_, partition) => {
      const stream = relationsStream(partition, environment)
      const read = desk.offeredThrough.read[partition] ?? { head: emptyHead(stream), throughEpoch: -1 }
      return { stream, from: read.head.revision, read, lastAtStart: null, caughtUp: false, waiting: [] }
    })
    this.leastThroughEpoch = this.leastEpoch()
  }

  /** Starts following the relations streams, offering to the desk what may be known; ends when `signal` aborts. A ledger that is away is asked again, up to a hundred times in a row. */
  static follow(ledger: Ledger, options: FactFeedOptions): FactFeed {
    options.desk.showOffered()
    const feed = new FactFeed(ledger, options)
    feed.showThrough(options.visibleEpoch)
    for (const followed of feed.followed) {
      feed.follow(followed, options).catch((error: unknown) => {
        feed.failure = error instanceof Error ? error : new Error(String(error))
        feed.notify()
      })
    }
    return feed
  }

  /** True once all that was learned before following began has been read: nobody is judged with less than was known before a restart. */
  get caughtUp(): boolean {
    return this.followed.every(({ caughtUp }) => caughtUp)
  }

  /** The last epoch that all relations partitions have folded, as far as it was read; -1 before the first. */
  get completeEpoch(): number {
    return this.leastThroughEpoch
  }

  /** Makes the facts of all epochs up to and including `epoch` known, those that are read later at once. Whoever goes by them waits until they are complete. */
  showThrough(epoch: number): void {
    if (epoch <= this.desk.offeredThrough.shownEpoch) return
    for (const followed of this.followed) {
      const { waiting } = followed
      let shown = 0
      while (shown < waiting.length && waiting[shown].fact.epoch <= epoch) this.offer(followed, waiting[shown++])
      waiting.splice(0, shown)
    }
    this.noteOffered(epoch)
  }

  /** Resolves when more was learned, a stream was read to its end, or `signal` aborts; rejects where the streams cannot be followed. */
  async changed(signal: AbortSignal): Promise<void> {
    this.assertFollowing()
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.wake.push(done)
      signal.addEventListener('abort', done)
    })
    this.assertFollowing()
  }

  private follow(followed: Followed, options: FactFeedOptions): Promise<void> {
    const { logger, signal, timers } = options
    const { stream } = followed
    const read = (onProgress: () => void): Promise<void> => this.readOn(followed, { ...options, onProgress })
    return loggedRetry(read, { name: `following ${stream}`, signal, timers, logger, context: { part: 'facts', stream } })
  }

  private async readOn(
    followed: Followed,
    { logger, signal, onProgress }: FactFeedOptions & { readonly onProgress: () => void },
  ): Promise<void> {
    const { stream, from } = followed
    const caughtUp = (): void => {
      if (followed.caughtUp || followed.read.head.revision < followed.lastAtStart!) return
      followed.caughtUp = true
      logger.info('facts read', { stream, fromRevision: from + 1, entries: followed.read.head.revision - from })
    }
    // Not every ledger says that a stream has been read to its end where there is none yet.
    followed.lastAtStart ??= (await lastEntry(this.ledger, stream))?.recorded.revision ?? -1
    caughtUp()
    this.notify()
    const { revision } = followed.read.head
    for await (const message of this.ledger.subscribeToStream(stream, { after: revision < 0 ? 'start' : revision, signal })) {
      onProgress()
      if (message.kind !== 'entry') continue
      this.take(followed, message.entry)
      caughtUp()
      this.notify()
    }
  }

  private take(followed: Followed, entry: RecordedEntry): void {
    const { stream, read: before, waiting } = followed
    const { revision: sourceRevision } = entry
    const { data, metadata } = readEntry(entry)
    const learned = decodeRelationsLearned(data)
    const { shownEpoch } = this.desk.offeredThrough
    for (const fact of learned.facts) {
      if (fact.epoch <= shownEpoch) this.offer(followed, { fact, sourceRevision })
      // A copy: the value is a view that would keep its whole entry in memory.
      else waiting.push({ fact: { ...fact, value: Buffer.from(fact.value) }, sourceRevision, before })
    }
    if (waiting.length > MAX_WAITING_FACTS) {
      throw new RiskError('limit-reached', `${stream}: more than ${MAX_WAITING_FACTS} facts wait for their epoch`, { retriable: false })
    }
    const throughEpoch = Math.max(before.throughEpoch, learned.throughEpoch)
    followed.read = { head: { stream, revision: sourceRevision, entryHash: metadata.entryHash }, throughEpoch }
    this.leastThroughEpoch = this.leastEpoch()
    this.noteOffered(shownEpoch)
  }

  private leastEpoch(): number {
    return Math.min(...this.followed.map(({ read }) => read.throughEpoch))
  }

  /** Throws where the streams could not be followed, so that nobody goes on with what was known then. */
  assertFollowing(): void {
    if (this.failure !== null) throw this.failure
  }

  private offer({ stream }: Followed, { fact, sourceRevision }: Pick<Waiting, 'fact' | 'sourceRevision'>): void {
    const { kind, keyToken, value } = fact
    // A challenge is drawn, not learned: relations tell of none.
    if (kind !== 'random-challenge') this.desk.offer(kind, keyToken, { value, sourceStream: stream, sourceRevision })
  }

  /** What waits is not kept: it is read again after a restart. */
  private noteOffered(shownEpoch: number): void {
    this.desk.offeredThrough = { shownEpoch, read: this.followed.map(({ read, waiting }) => waiting[0]?.before ?? read) }
  }

  private notify(): void {
    const waiting = this.wake
    this.wake = []
    for (const wake of waiting) wake()
  }
}

/** Forgets what was offered unless every relations stream still holds the entry up to which it was read. Throws as the ledger does. */
export async function forgetOfferedIfReplaced(ledger: Ledger, desk: OfferedTo): Promise<void> {
  const heads = desk.offeredThrough.read.map(({ head }) => head)
  if (!(await holdsEntries(ledger, heads))) desk.forgetOffered()
}
