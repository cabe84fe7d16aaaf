import { RiskError, type Ledger, type Logger, type RecordedEntry } from '@riskledger/contracts'
import { decodeRelationsLearned, emptyHead, holdsEntry, readEntry, relationsStream, type LearnedFact } from '@riskledger/journal'
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
  /** Its last entry that was read. */
  read: FactsRead
  /** True once everything was read that it held when following began. */
  caughtUp: boolean
  /** Facts not shown yet, in order of epoch. */
  readonly waiting: Waiting[]
}

/** Where what was learned is offered. */
export type OfferedTo = Pick<FactDesk, 'offer' | 'showOffered' | 'forgetOffered' | 'offeredThrough'>

export interface FactFeedOptions {
  readonly desk: OfferedTo
  readonly partitionCount: number
  readonly environment: string
  readonly logger: Logger
  readonly signal: AbortSignal
}

/**
 * Follows the relations streams and shows a worker what it may know. Facts of live inputs are known at once; facts of an epoch once the worker passes
 * `showThrough` of it: for a file's input as its time says, so that a file by itself gives the same verdicts however batches fell; for a live one as soon as they are complete.
 * Begins where the desk says that it was left (`FactDesk.offeredThrough`), so a restart reads what was learned since the snapshot, not what was ever learned.
 */
export class FactFeed {
  private readonly followed: readonly Followed[]
  /** The last epoch that all relations partitions have folded; -1 before the first. */
  completeEpoch: number
  private failure: Error | null = null
  private wake: (() => void)[] = []

  private constructor(
    private readonly ledger: Ledger,
    private readonly desk: OfferedTo,
    { partitionCount, environment }: FactFeedOptions,
  ) {
    this.followed = Array.from({ length: partitionCount }, (_, partition) => {
      const stream = relationsStream(partition, environment)
      const read = desk.offeredThrough.read[partition] ?? { head: emptyHead(stream), throughEpoch: -1 }
      return { stream, read, caughtUp: false, waiting: [] }
    })
    this.completeEpoch = this.leastEpoch()
  }

  /** Starts following the relations streams, offering to the desk what may be known; ends when `signal` aborts. No journal is folded into the desk's state any more. */
  static follow(ledger: Ledger, options: FactFeedOptions): FactFeed {
    options.desk.showOffered()
    const feed = new FactFeed(ledger, options.desk, options)
    for (const followed of feed.followed) {
      feed.followOne(followed, options).catch((error: unknown) => {
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

  /** Makes the facts of all epochs up to and including `epoch` known; they must be complete. */
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

  /** Resolves when more was learned, or when `signal` aborts; rejects where the streams cannot be followed. */
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

  private async followOne(followed: Followed, { logger, signal }: FactFeedOptions): Promise<void> {
    const { stream, read } = followed
    const { revision } = read.head
    for await (const message of this.ledger.subscribeToStream(stream, { after: revision < 0 ? 'start' : revision, signal })) {
      if (message.kind === 'checkpoint') continue
      if (message.kind === 'entry') this.take(followed, message.entry)
      else if (!followed.caughtUp) {
        followed.caughtUp = true
        logger.info('facts read', { stream, fromRevision: revision + 1, entries: followed.read.head.revision - revision })
      }
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
    this.completeEpoch = this.leastEpoch()
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

/** Begins facts anew where a relations stream is not the one any more that they were read from. */
export async function keepOrForgetOffered(ledger: Ledger, desk: OfferedTo): Promise<void> {
  const held = await Promise.all(desk.offeredThrough.read.map(({ head }) => head.revision < 0 || holdsEntry(ledger, head)))
  if (held.includes(false)) desk.forgetOffered()
}
