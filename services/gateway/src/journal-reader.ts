import { hash } from 'node:crypto'
import { RiskError, type RawTopic, type RecordedEntry, type Verdict } from '@riskledger/contracts'
import { decodeInputsScreened, MalformedBytesError, readEntry, type JournaledInput } from '@riskledger/journal'
import type { FoundBatch } from './batch-finder'
import { eventKey, type Outcome } from './recent-verdicts'

/** An input of a screened topic as the journal tells it. */
export interface JournalOutcome {
  /** As `eventKey` makes it. */
  readonly key: string
  /** SHA-256 of the record's value. */
  readonly digest: Uint8Array
  readonly offset: number
  readonly outcome: Outcome
  /** Of a duplicate or conflicting input: the sequence under which its id came first. */
  readonly firstSequence: number | null
}

/** Where the event id stands in a framed record: after the header of ten bytes. */
const EVENT_ID_AT = 10
const EVENT_ID_END = 26

/** Who hears of a journal. */
export interface JournalListener {
  /** Every event of a screened topic, in its partition's order. */
  readonly tell: (found: JournalOutcome) => void
  /** The policy in force, whenever one is put there. */
  readonly tellPolicy: (policyHash: string) => void
}

/**
 * Reads the entries of one partition's journal in order and tells what became of each event of a screened topic: what is not simply allowed once
 * its `DecisionMade` has come, with the reasons.
 */
export class JournalReader {
  private readonly undecided = new Map<number, JournalOutcome>()

  private topics: readonly RawTopic[] | null

  /** `topics` as the journal's first entry lists them; null before there is one. */
  constructor(
    private readonly place: { readonly partition: number; readonly topics: readonly RawTopic[] | null },
    private readonly listener: JournalListener,
  ) {
    this.topics = place.topics
  }

  /** Throws `ledger-corrupt`, naming the entry, where it cannot be read. */
  read(entry: RecordedEntry): void {
    switch (entry.type) {
      case 'SegmentOpened':
        this.topics = topicsOfSegment(entry)
        return
      case 'InputsScreened':
        this.flush()
        this.readInputs(entry)
        return
      case 'DecisionMade':
        this.readDecision(entry)
        return
      case 'PolicyActivated':
        this.flush()
        this.readPolicy(entry)
        return
      default:
        this.flush()
    }
  }

  /** Tells what still waits for its decision, as an append ends with them all: only a damaged journal leaves any. */
  private flush(): void {
    for (const found of this.undecided.values()) this.listener.tell(found)
    this.undecided.clear()
  }

  private readInputs(entry: RecordedEntry): void {
    const { topics } = this
    if (topics === null) throw corrupt(entry, 'it comes before the first entry of its journal')
    forEachOutcome(entry, { partition: this.place.partition, topics }, (found) => {
      const { verdict } = found.outcome
      if (isDecided(verdict)) this.undecided.set(found.outcome.sequence, found)
      else this.listener.tell(found)
    })
  }

  private readPolicy(entry: RecordedEntry): void {
    const { policyHash, mode } = readJson(entry) as { readonly policyHash: string; readonly mode: string }
    if (mode === 'live') this.listener.tellPolicy(policyHash)
  }

  private readDecision(entry: RecordedEntry): void {
    const { sequence, decisionId, reasonCodes } = readDecision(entry)
    const found = this.undecided.get(sequence)
    if (found === undefined) return
    this.undecided.delete(sequence)
    this.listener.tell({ ...found, outcome: { ...found.outcome, decisionId, reasonCodes } })
  }
}

/**
 * Visits the events of screened topics of an `InputsScreened` entry, in order; decisions and their reasons stand in entries of their own. With `wanted`,
 * only those whose key it is true of.
 */
export function forEachOutcome(
  entry: RecordedEntry,
  place: { readonly partition: number; readonly topics: readonly RawTopic[]; readonly wanted?: (key: string) => boolean },
  visit: (found: JournalOutcome) => void,
): void {
  const { partition, topics, wanted } = place
  reading(entry, () => {
    const batch = decodeInputsScreened(readEntry(entry).data)
    batch.forEachInput((input, index) => {
      const topic = topics[input.topic]
      if (!isScreened(topic)) return
      const found = outcomeOf(input, { topic, partition, sequence: batch.firstSequence + index, wanted })
      if (found !== null) visit(found)
    })
  })
}

/**
 * The event of a screened topic that a batch holds under this sequence, or null; and how many of the decisions that follow the batch come before the
 * event's own, if it has one.
 */
export function outcomeAt(
  { recorded, inputs }: FoundBatch,
  place: { readonly partition: number; readonly topics: readonly RawTopic[]; readonly sequence: number },
): { readonly found: JournalOutcome | null; readonly decisionsBefore: number } {
  const { partition, topics, sequence } = place
  let found: JournalOutcome | null = null
  let decisionsBefore = 0
  reading(recorded, () =>
    inputs.forEachInput((input, index) => {
      const at = inputs.firstSequence + index
      if (at < sequence && isDecided(input.verdict)) decisionsBefore++
      const topic = topics[input.topic]
      if (at === sequence && isScreened(topic)) found = outcomeOf(input, { topic, partition, sequence })
    }),
  )
  return { found, decisionsBefore }
}

/** Whether a verdict stands in the journal as an entry of its own, with its reasons. */
export function isDecided(verdict: Verdict | null): boolean {
  return verdict !== null && verdict !== 'allow'
}

/** What reading an entry gives. Throws `ledger-corrupt` where its bytes are damaged. */
export function reading<T>(entry: RecordedEntry, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytesError) throw corrupt(entry, error.message)
    throw error
  }
}

interface OutcomePlace {
  readonly topic: RawTopic
  readonly partition: number
  readonly sequence: number
  readonly wanted?: ((key: string) => boolean) | undefined
}

function outcomeOf(input: JournaledInput, { wanted, ...place }: OutcomePlace): JournalOutcome | null {
  const { body } = input
  if (body === null || body.length < EVENT_ID_END) return null
  const key = eventKey(body, EVENT_ID_AT)
  if (wanted?.(key) === false) return null
  const { status, verdict, scorePoints, reason, lateByMs, firstSequence, offset } = input
  return {
    key,
    digest: hash('sha256', body, 'buffer'),
    offset,
    outcome: { ...place, status, verdict, scorePoints, decisionId: null, reasonCodes: [], reason, lateByMs },
    firstSequence,
  }
}

/** What a `DecisionMade` entry says of its input. Throws `ledger-corrupt`. */
export function readDecision(entry: RecordedEntry): {
  readonly sequence: number
  readonly decisionId: string
  readonly reasonCodes: readonly string[]
} {
  return readJson(entry) as { sequence: number; decisionId: string; reasonCodes: string[] }
}

/** The topics that a journal's first entry lists. Throws `ledger-corrupt`. */
export function topicsOfSegment(entry: RecordedEntry): readonly RawTopic[] {
  return (readJson(entry) as { topics: RawTopic[] }).topics
}

function isScreened(topic: RawTopic): boolean {
  return topic === 'payments' || topic === 'logins' || topic === 'p2p-trades'
}

function readJson(entry: RecordedEntry): unknown {
  try {
    return JSON.parse(Buffer.from(readEntry(entry).data).toString('utf8'))
  } catch (error) {
    if (error instanceof RiskError) throw error
    throw corrupt(entry, 'it is not JSON')
  }
}

/** An entry that cannot be what was written. */
export function corrupt({ stream, revision }: RecordedEntry, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${stream}@${revision}: ${reason}. Run riskledger verify.`, {
    retriable: false,
    context: { stream, revision },
  })
}
