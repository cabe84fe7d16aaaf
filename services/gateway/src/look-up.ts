import type { Ledger, RawTopic, RecordedEntry } from '@riskledger/contracts'
import { uuidBytes } from '@riskledger/events'
import { peekBackwards, readEntry, screeningStream } from '@riskledger/journal'
import { BatchFinder } from './batch-finder'
import { forEachOutcome, isDecided, outcomeAt, readDecision, type JournalOutcome } from './journal-reader'
import { Refusal } from './problem'
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

/** Look-ups of a sequence under way at once: a few small reads each, and of what they read little is kept. */
const MAX_LOOK_UPS = 16
/** Look-ups of a sequence that wait: as many as callers may by default, whose repeated events may be told all at once. */
const MAX_WAITING_LOOK_UPS = 1_024
/** Searches for an event under way at once: each reads much and holds one inflated batch in memory. */
const MAX_SEARCHES = 4
/** Searches that wait: who came after these would wait for seconds. */
const MAX_WAITING_SEARCHES = 64

/** Decisions of a read, where the first was another's. */
const DECISIONS_IN_READ = 32

/** What came of the search for an event. */
export type EventSearch =
  | { readonly kind: 'found'; readonly outcome: Outcome }
  | { readonly kind: 'not-found'; /** Whether the whole journal was read, or the limit came first. */ readonly whole: boolean }

/** One partition's journal, as far as it was looked at. */
interface Journal {
  readonly partition: number
  readonly stream: string
  readonly topics: readonly RawTopic[]
  readonly batches: BatchFinder
}

/** Finds in the ledger what the gateway does not remember. More than may be under way at once wait, in order; more than may wait are refused, with `Refusal`. */
export class LookUp {
  private readonly lookUps = new InFlightLimit({ running: MAX_LOOK_UPS, waiting: MAX_WAITING_LOOK_UPS })
  private readonly searches = new InFlightLimit({ running: MAX_SEARCHES, waiting: MAX_WAITING_SEARCHES })
  private readonly journals = new Map<number, Journal>()

  constructor(private readonly options: LookUpOptions) {}

  /** The outcome of the input with this sequence, or null where the journal has none. A few small reads, one where its batch was looked at a moment ago. */
  atSequence(partition: number, sequence: number): Promise<JournalOutcome | null> {
    return this.lookUps.run(async () => {
      const journal = await this.journalOf(partition)
      const batch = (await journal?.batches.find(sequence)) ?? null
      if (journal === null || batch === null) return null
      const { found, decisionsBefore } = outcomeAt(batch, { ...journal, sequence })
      return found === null ? null : this.withDecision(found, { ...batch.recorded, decisionsBefore })
    })
  }

  /**
   * What became of an event, from the newest entries back as far as `lookBackBytes` go. A verdict goes before a refusal of the same id. Reads no further once
   * `isGone` says that nobody wants to know any more.
   */
  ofEvent(eventId: string, isGone: () => boolean = () => false): Promise<EventSearch> {
    return this.searches.run(async () => {
      const key = eventKey(uuidBytes(eventId), 0)
      const { partitionCount, lookBackBytes, ledger } = this.options
      let whole = true
      let refused: Outcome | null = null
      for (let partition = 0; partition < partitionCount; partition++) {
        if (isGone()) return { kind: 'not-found', whole: false }
        let leftBytes = lookBackBytes / partitionCount
        const journal = await this.journalOf(partition)
        if (journal === null) continue
        for await (const { recorded } of peekBackwards(ledger, journal.stream, 'end')) {
          if (isGone()) return { kind: 'not-found', whole: false }
          if (recorded.type !== 'InputsScreened') continue
          if (leftBytes <= 0) {
            whole = false
            break
          }
          leftBytes -= readEntry(recorded).data.length
          const found = foundIn(recorded, { ...journal, key })
          if (found === null) continue
          if (found.outcome.status !== 'quarantined')
            return { kind: 'found', outcome: (await this.withDecision(found, { ...recorded, decisionsBefore: 0 })).outcome }
          refused ??= found.outcome
        }
      }
      return refused === null ? { kind: 'not-found', whole } : { kind: 'found', outcome: refused }
    })
  }

  /** Decisions follow the entry of their inputs, in order of sequence; so many of them come before the one that is looked for, or fewer. */
  private async withDecision(
    found: JournalOutcome,
    { stream, revision, decisionsBefore }: Pick<RecordedEntry, 'stream' | 'revision'> & { readonly decisionsBefore: number },
  ): Promise<JournalOutcome> {
    const { verdict, sequence } = found.outcome
    if (!isDecided(verdict)) return found
    let maxCount = 1
    for (let from = revision + 1 + decisionsBefore; ; from += maxCount, maxCount = DECISIONS_IN_READ) {
      let read = 0
      let ended = false
      let decided: JournalOutcome | null = null
      for await (const entry of this.options.ledger.readStream(stream, { from, direction: 'forwards', maxCount })) {
        read++
        ended ||= entry.type !== 'DecisionMade'
        // To its end: a read that is left early resets its stream.
        if (ended) continue
        const decision = readDecision(entry)
        if (decision.sequence !== sequence) continue
        decided = { ...found, outcome: { ...found.outcome, decisionId: decision.decisionId, reasonCodes: decision.reasonCodes } }
      }
      if (decided !== null) return decided
      if (ended || read < maxCount) return found
    }
  }

  /** Null where there is no journal yet; what a journal's first entry says stays as it is. */
  private async journalOf(partition: number): Promise<Journal | null> {
    const known = this.journals.get(partition)
    if (known !== undefined) return known
    const { ledger, environment } = this.options
    const stream = screeningStream(partition, 0, environment)
    const topics = await journalTopics(ledger, stream)
    if (topics === null) return null
    const journal = { partition, stream, topics, batches: new BatchFinder(ledger, stream) }
    // Another look-up may have come to it meanwhile, and have seen places since.
    if (!this.journals.has(partition)) this.journals.set(partition, journal)
    return this.journals.get(partition)!
  }
}

/** Lets so many work at once; the others wait for their turn, in order, as far as so many may. */
class InFlightLimit {
  private running = 0
  private readonly waiting: (() => void)[] = []

  constructor(private readonly most: { readonly running: number; readonly waiting: number }) {}

  /** Throws `Refusal` where too many wait already. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const full = this.running >= this.most.running
    if (full && this.waiting.length >= this.most.waiting) {
      const detail = `${this.waiting.length} look-ups in the ledger wait already; no more may. Send the same again in a second.`
      throw new Refusal({ code: 'overloaded', detail, retryAfterSeconds: 1 })
    }
    // Who ends hands its place to whoever has waited longest.
    if (full) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.running++
    try {
      return await work()
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
  forEachOutcome(entry, { partition, topics, wanted: (other) => other === key }, (one) => {
    const { status } = one.outcome
    if (status !== 'duplicate' && status !== 'conflicting') found = one
  })
  return found
}
