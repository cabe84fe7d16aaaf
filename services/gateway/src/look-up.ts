import type { Ledger, RawTopic, RecordedEntry } from '@riskledger/contracts'
import { uuidBytes } from '@riskledger/events'
import { batchOfSequence, peekBackwards, readEntry, screeningStream } from '@riskledger/journal'
import { forEachOutcome, readDecision, type JournalOutcome } from './journal-reader'
import { eventKey, type Outcome } from './recent-verdicts'
import { journalTopics } from './verdict-feed'

/** Where to look. */
export interface LookUpOptions {
  readonly ledger: Ledger
  readonly environment: string
  readonly partitionCount: number
  /** Inflated journal that one search for an event reads, shared evenly among the partitions. */
  readonly lookBackBytes: number
}

/** Searches under way at once; more wait, in order. Each holds one inflated batch in memory. */
const MAX_AT_ONCE = 4

/** What came of the search for an event. */
export type EventSearch =
  | { readonly kind: 'found'; readonly outcome: Outcome }
  | { readonly kind: 'not-found'; /** Whether the whole journal was read, or the limit came first. */ readonly whole: boolean }

/** Finds in the ledger what the gateway does not remember. */
export class LookUp {
  private running = 0
  private readonly waiting: (() => void)[] = []

  constructor(private readonly options: LookUpOptions) {}

  /** The outcome of the input with this sequence, or null where the journal has none. About twenty small reads, and one batch. */
  atSequence(partition: number, sequence: number): Promise<JournalOutcome | null> {
    return this.inTurn(async () => {
      const { ledger } = this.options
      const stream = this.streamOf(partition)
      const topics = await journalTopics(ledger, stream)
      const batch = await batchOfSequence(ledger, stream, sequence)
      if (topics === null || batch === null) return null
      let found: JournalOutcome | null = null
      forEachOutcome(batch.recorded, { partition, topics }, (one) => {
        if (one.outcome.sequence === sequence) found = one
      })
      return found === null ? null : this.withDecision(found, batch.recorded)
    })
  }

  /** What became of an event, from the newest entries back as far as `lookBackBytes` go. A verdict goes before a refusal of the same id. */
  ofEvent(eventId: string): Promise<EventSearch> {
    return this.inTurn(async () => {
      const key = eventKey(uuidBytes(eventId), 0)
      const { partitionCount, lookBackBytes } = this.options
      let whole = true
      let refused: Outcome | null = null
      for (let partition = 0; partition < partitionCount; partition++) {
        let leftBytes = lookBackBytes / partitionCount
        const stream = this.streamOf(partition)
        const topics = await journalTopics(this.options.ledger, stream)
        if (topics === null) continue
        for await (const { recorded } of peekBackwards(this.options.ledger, stream, 'end')) {
          if (recorded.type !== 'InputsScreened') continue
          if (leftBytes <= 0) {
            whole = false
            break
          }
          leftBytes -= readEntry(recorded).data.length
          const found = foundIn(recorded, { partition, topics, key })
          if (found === null) continue
          if (found.outcome.status !== 'quarantined') return { kind: 'found', outcome: (await this.withDecision(found, recorded)).outcome }
          refused ??= found.outcome
        }
      }
      return refused === null ? { kind: 'not-found', whole } : { kind: 'found', outcome: refused }
    })
  }

  /** Decisions follow the entry of their inputs, in order of sequence. */
  private async withDecision(found: JournalOutcome, { stream, revision }: RecordedEntry): Promise<JournalOutcome> {
    const { verdict, sequence } = found.outcome
    if (verdict === null || verdict === 'allow') return found
    for await (const entry of this.options.ledger.readStream(stream, { from: revision + 1, direction: 'forwards' })) {
      if (entry.type !== 'DecisionMade') break
      const { decisionId, reasonCodes, sequence: decided } = readDecision(entry)
      if (decided === sequence) return { ...found, outcome: { ...found.outcome, decisionId, reasonCodes } }
    }
    return found
  }

  private streamOf(partition: number): string {
    return screeningStream(partition, 0, this.options.environment)
  }

  private async inTurn<Result>(search: () => Promise<Result>): Promise<Result> {
    // Who ends hands its place to whoever has waited longest.
    if (this.running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.running++
    try {
      return await search()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running--
      else next()
    }
  }
}

/** The event's own input in a batch: repeats and contradictions of it point elsewhere. */
function foundIn(
  entry: RecordedEntry,
  { partition, topics, key }: { readonly partition: number; readonly topics: readonly RawTopic[]; readonly key: string },
): JournalOutcome | null {
  let found: JournalOutcome | null = null
  forEachOutcome(entry, { partition, topics }, (one) => {
    const { status } = one.outcome
    if (one.key === key && status !== 'duplicate' && status !== 'conflicting') found = one
  })
  return found
}
