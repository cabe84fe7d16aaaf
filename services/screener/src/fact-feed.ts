import { RiskError, type Ledger } from '@riskledger/contracts'
import { decodeRelationsLearned, readEntry, relationsStream, type LearnedFact } from '@riskledger/journal'
import type { FactDesk, KnownFact } from '@riskledger/screening'

/** Most facts held back for epochs to come; relations that run further ahead are slowed by not being read. */
const MAX_WAITING_FACTS = 2_000_000

interface Waiting {
  readonly fact: LearnedFact
  readonly known: KnownFact
}

/**
 * Follows the relations streams and shows a worker what it may know. Facts of live inputs are known at once; facts of an epoch once the worker passes
 * `showThrough` of it: for a file's input as its time says, so that a file by itself gives the same verdicts however batches fell; for a live one as soon as they are complete.
 */
export class FactFeed {
  /** Facts not shown yet, per relations partition, in order of epoch. */
  private readonly waiting: Waiting[][]
  private readonly throughEpochs: number[]
  private shownEpoch = -1
  private failure: Error | null = null
  private wake: (() => void)[] = []

  private constructor(
    private readonly ledger: Ledger,
    private readonly desk: FactDesk,
    partitionCount: number,
  ) {
    this.waiting = Array.from({ length: partitionCount }, () => [])
    this.throughEpochs = Array.from({ length: partitionCount }, () => -1)
  }

  /** Starts following the relations streams, offering to `desk` what may be known; ends when `signal` aborts. */
  static follow(
    ledger: Ledger,
    options: { readonly desk: FactDesk; readonly partitionCount: number; readonly environment: string; readonly signal: AbortSignal },
  ): FactFeed {
    const feed = new FactFeed(ledger, options.desk, options.partitionCount)
    for (let partition = 0; partition < options.partitionCount; partition++) {
      feed.followOne(partition, options).catch((error: unknown) => {
        feed.failure = error instanceof Error ? error : new Error(String(error))
        feed.notify()
      })
    }
    return feed
  }

  /** The last epoch that all relations partitions have folded; -1 before the first. */
  get completeEpoch(): number {
    return Math.min(...this.throughEpochs)
  }

  /** Makes the facts of all epochs up to and including `epoch` known; they must be complete. */
  showThrough(epoch: number): void {
    if (epoch <= this.shownEpoch) return
    this.shownEpoch = epoch
    for (const queue of this.waiting) {
      let shown = 0
      while (shown < queue.length && queue[shown].fact.epoch <= epoch) this.show(queue[shown++])
      queue.splice(0, shown)
    }
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

  private async followOne(partition: number, options: { readonly environment: string; readonly signal: AbortSignal }): Promise<void> {
    const stream = relationsStream(partition, options.environment)
    for await (const message of this.ledger.subscribeToStream(stream, { after: 'start', signal: options.signal })) {
      if (message.kind !== 'entry') continue
      const learned = decodeRelationsLearned(readEntry(message.entry).data)
      for (const fact of learned.facts) {
        // A copy: the value is a view that would keep its whole entry in memory.
        const known = { value: Buffer.from(fact.value), sourceStream: stream, sourceRevision: message.entry.revision }
        if (fact.epoch <= this.shownEpoch) this.show({ fact, known })
        else this.waiting[partition].push({ fact, known })
      }
      if (this.waiting[partition].length > MAX_WAITING_FACTS) {
        throw new RiskError('limit-reached', `${stream}: more than ${MAX_WAITING_FACTS} facts wait for their epoch`, { retriable: false })
      }
      this.throughEpochs[partition] = Math.max(this.throughEpochs[partition], learned.throughEpoch)
      this.notify()
    }
  }

  /** Throws where the streams could not be followed, so that nobody goes on with what was known then. */
  assertFollowing(): void {
    if (this.failure !== null) throw this.failure
  }

  private show({ fact, known }: Waiting): void {
    // A challenge is drawn, not learned: relations tell of none.
    if (fact.kind !== 'random-challenge') this.desk.offer(fact.kind, fact.keyToken, known)
  }

  private notify(): void {
    const waiting = this.wake
    this.wake = []
    for (const wake of waiting) wake()
  }
}
