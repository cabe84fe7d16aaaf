import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type Ledger, type Logger, type Metrics, type RawTopic } from '@riskledger/contracts'
import { lastEntry, screeningStream } from '@riskledger/journal'
import { JournalReader, topicsOfSegment, type JournalListener } from './journal-reader'

/** What a feed follows, and who hears of it: of policies also at the start, where one is in force. */
export interface VerdictFeedOptions extends JournalListener {
  readonly ledger: Ledger
  readonly environment: string
  readonly partitionCount: number
  readonly logger: Logger
  readonly metrics: Metrics
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

interface Following {
  readonly partition: number
  readonly stream: string
  readonly reader: JournalReader
  after: number | 'start'
  caughtUp: boolean
}

/**
 * Follows the journal of every partition, each by one catch-up subscription, from where it ended when the feed began. A subscription that is lost is
 * taken up again after the last entry read, so that no verdict is missed.
 */
export class VerdictFeed {
  /** Rejects where the journals cannot be followed any more: an entry is damaged, a stream is gone. */
  readonly failed: Promise<never>
  private fail!: (error: unknown) => void
  private readonly leaving = new AbortController()
  private readonly ended: Promise<unknown>

  private constructor(
    private readonly options: VerdictFeedOptions,
    private readonly followings: readonly Following[],
  ) {
    this.failed = new Promise<never>((_resolve, reject) => (this.fail = reject))
    // Whoever awaits it sees the rejection; a feed that is merely held must not end the process before that.
    this.failed.catch(() => undefined)
    this.ended = Promise.all(followings.map((following) => this.follow(following)))
  }

  /** Notes where each journal ends, and follows it from there. Throws `ledger-unavailable`. */
  static async start(options: VerdictFeedOptions): Promise<VerdictFeed> {
    const followings: Following[] = []
    for (let partition = 0; partition < options.partitionCount; partition++) {
      const stream = screeningStream(partition, 0, options.environment)
      const last = await lastEntry(options.ledger, stream)
      const topics = last === null ? null : await journalTopics(options.ledger, stream)
      const reader = new JournalReader({ partition, topics }, options)
      if (last !== null) options.tellPolicy(last.metadata.policyHash)
      followings.push({ partition, stream, reader, after: last?.recorded.revision ?? 'start', caughtUp: false })
    }
    return new VerdictFeed(options, followings)
  }

  /** Partitions whose subscription is lost or still behind. */
  get behind(): readonly number[] {
    return this.followings.filter(({ caughtUp }) => !caughtUp).map(({ partition }) => partition)
  }

  async close(): Promise<void> {
    this.leaving.abort()
    await this.ended
  }

  private async follow(following: Following): Promise<void> {
    const { signal } = this.leaving
    const { logger, metrics } = this.options
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.read(following, () => (pauseMs = FIRST_PAUSE_MS))
        if (!signal.aborted)
          throw new RiskError('ledger-unavailable', `The subscription to ${following.stream} ended.`, { retriable: true })
      } catch (error) {
        if (signal.aborted) return
        following.caughtUp = false
        if (!(error instanceof RiskError) || !error.retriable) {
          logger.error('the journal cannot be followed', { stream: following.stream, error })
          this.fail(error)
          return
        }
        metrics.count('riskledger_gateway_resubscriptions_total', 1)
        logger.warn('the journal is subscribed to again', { stream: following.stream, reason: error.message, pauseMs })
        await pause(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  private async read(following: Following, onProgress: () => void): Promise<void> {
    const { signal } = this.leaving
    for await (const message of this.options.ledger.subscribeToStream(following.stream, { after: following.after, signal })) {
      onProgress()
      if (message.kind === 'caught-up') following.caughtUp = true
      if (message.kind !== 'entry') continue
      following.reader.read(message.entry)
      following.after = message.entry.revision
    }
  }
}

/** The topics of a journal as its first entry lists them, or null where there is no journal. */
export async function journalTopics(ledger: Ledger, stream: string): Promise<readonly RawTopic[] | null> {
  try {
    for await (const entry of ledger.readStream(stream, { from: 'start', direction: 'forwards', maxCount: 1 }))
      return topicsOfSegment(entry)
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return null
}
