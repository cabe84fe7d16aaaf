import { createHash } from 'node:crypto'
import { RiskError, type InputStatus, type Ledger, type RawTopic, type RecordedEntry, type Verdict } from '@riskledger/contracts'
import { readOrigin } from '@riskledger/events'
import { decodeInputsScreened, emptyHead, openEntry, screeningStream, STATUSES, type InputsScreenedView } from '@riskledger/journal'
import type { BrokerTruth } from './broker-truth'

/** An input as a journal holds it. */
export interface SeenInput {
  readonly partition: number
  readonly sequence: number
  readonly topic: RawTopic
  readonly offset: number
  readonly status: InputStatus
  readonly reason: string | null
  readonly verdict: Verdict | null
  /** Null for what is not scored. */
  readonly scorePoints: number | null
  /** Why it was decided as it is; empty without a decision. */
  readonly reasonCodes: readonly string[]
  /** As the bytes tell it, or null. */
  readonly eventId: string | null
  readonly accountId: string | null
  readonly brokerTimeMs: number
  /** When the ledger took it, by the ledger's clock. */
  readonly journaledMs: number
}

/** A tenure as a journal holds it. */
export interface SeenTenure {
  readonly partition: number
  readonly generation: number
  readonly workerId: string
}

/** How far a journal has come with a topic. */
export interface SeenPosition {
  readonly partition: number
  readonly topic: RawTopic
  readonly nextOffset: number
  /** Offsets before it that gaps cover. */
  readonly gapOffsets: number
}

/** What the journals were found to hold. */
export interface JournalCheck {
  /** In order, partition by partition. */
  readonly inputs: readonly SeenInput[]
  readonly tenures: readonly SeenTenure[]
  readonly positions: readonly SeenPosition[]
  readonly gapOffsets: number
  /** Records of the cluster that are in no journal (yet). */
  readonly missing: number
  /** In words; empty where everything holds. */
  readonly faults: readonly string[]
}

export interface CheckJournalsOptions {
  readonly truth: BrokerTruth
  readonly partitionCount: number
  readonly environment: string
}

/** Fields are filled in as the journals are read. */
interface Found {
  readonly inputs: SeenInput[]
  readonly tenures: SeenTenure[]
  readonly positions: SeenPosition[]
  gapOffsets: number
  missing: number
  readonly faults: string[]
}

/**
 * Holds the journals against what the cluster holds: the chain is whole; every record is in exactly one input, in order of its offset, byte for byte;
 * every other offset is covered by a gap; sequences have no hole; tenures rise. Tells fifty faults at most.
 */
export async function checkJournals(ledger: Ledger, options: CheckJournalsOptions): Promise<JournalCheck> {
  const found: Found = { inputs: [], tenures: [], positions: [], gapOffsets: 0, missing: 0, faults: [] }
  for (let partition = 0; partition < options.partitionCount; partition++) {
    const stream = screeningStream(partition, 0, options.environment)
    const journal = new JournalWalk(found, { stream, partition, truth: options.truth })
    let head = emptyHead(stream)
    for await (const recorded of entriesOf(ledger, stream)) {
      const opened = openEntry(head, recorded)
      if (opened.kind === 'faulty') {
        found.faults.push(`${stream}@${recorded.revision} ${opened.reason}`)
        break
      }
      head = opened.entry.head
      journal.take(recorded, opened.entry)
    }
    journal.finish()
  }
  return { ...found, faults: found.faults.slice(0, 50) }
}

/** One partition's journal, entry by entry. */
class JournalWalk {
  private topics: readonly RawTopic[] = []
  /** By topic, the offset that must come next. */
  private next: number[] = []
  /** By topic, the offsets that gaps cover. */
  private gapOffsets: number[] = []
  private sequence = 1
  private generation = 0
  /** Reason codes of the batch that was taken last, by sequence: its decisions follow it. */
  private readonly reasons = new Map<number, string[]>()

  constructor(
    private readonly found: Found,
    private readonly place: { readonly stream: string; readonly partition: number; readonly truth: BrokerTruth },
  ) {}

  take({ revision, createdMs }: RecordedEntry, { type, data }: { readonly type: string; readonly data: Uint8Array }): void {
    if (type === 'SegmentOpened') {
      const { topics, nextOffsets } = JSON.parse(Buffer.from(data).toString()) as { topics: RawTopic[]; nextOffsets: number[] }
      this.topics = topics
      this.next = [...nextOffsets]
      this.gapOffsets = topics.map(() => 0)
    }
    if (type === 'TenureBegan') {
      const { generation, workerId } = JSON.parse(Buffer.from(data).toString()) as { generation: number; workerId: string }
      if (generation !== this.generation + 1) this.fault(`@${revision} generation ${generation} follows ${this.generation}`)
      this.generation = generation
      this.found.tenures.push({ partition: this.place.partition, generation, workerId })
    }
    if (type === 'InputsScreened') this.takeBatch(decodeInputsScreened(data), { revision, createdMs, data })
    if (type === 'DecisionMade') this.takeDecision(revision, data)
  }

  /** Counts what the cluster holds and the journal does not. */
  finish(): void {
    const { partition: here } = this.place
    for (const [place, topic] of this.topics.entries())
      this.found.positions.push({ partition: here, topic, nextOffset: this.next[place], gapOffsets: this.gapOffsets[place] })
    for (const [name, records] of this.place.truth) {
      const [topic, partition] = name.split('/')
      if (Number(partition) !== here) continue
      const next = this.next[this.topics.indexOf(topic as RawTopic)] ?? 0
      for (const offset of records.keys()) if (offset >= next) this.found.missing++
    }
  }

  private takeBatch(
    batch: InputsScreenedView,
    { revision, createdMs, data }: { readonly revision: number; readonly createdMs: number; readonly data: Uint8Array },
  ): void {
    if (batch.firstSequence !== this.sequence) this.fault(`@${revision} sequence ${batch.firstSequence} follows ${this.sequence - 1}`)
    this.reasons.clear()
    const gaps = new Map(batch.gaps.map((gap) => [`${gap.topic}/${gap.fromOffset}`, gap]))
    const passGaps = (place: number): void => {
      for (let gap = gaps.get(`${place}/${this.next[place]}`); gap !== undefined; gap = gaps.get(`${place}/${this.next[place]}`)) {
        gaps.delete(`${place}/${gap.fromOffset}`)
        for (let offset = gap.fromOffset; offset < gap.toOffset; offset++)
          if (this.sent(place).has(offset)) this.fault(`${this.topics[place]}@${offset} is called a gap (${gap.reason}) and holds a record`)
        this.found.gapOffsets += gap.toOffset - gap.fromOffset
        this.gapOffsets[place] += gap.toOffset - gap.fromOffset
        this.next[place] = gap.toOffset
      }
    }
    batch.forEachInput((input, index) => {
      const { topic: place, offset, status, reason, verdict, brokerTimeMs } = input
      const topic = this.topics[place]
      passGaps(place)
      if (offset !== this.next[place]) this.fault(`@${revision} ${topic}@${offset} follows @${this.next[place] - 1}`)
      this.next[place] = offset + 1
      const digest = this.sent(place).get(offset)
      const body = input.bodyAt < 0 ? null : data.subarray(input.bodyAt, input.bodyAt + input.bodyLengthBytes)
      if (digest === undefined) this.fault(`${topic}@${offset} is in the journal and not in the cluster`)
      else if (digest !== (body === null ? Buffer.from(input.bodySha256!).toString('hex') : sha256(body)))
        this.fault(`${topic}@${offset} has other bytes in the journal than in the cluster`)
      if (!(STATUSES as readonly string[]).includes(status)) this.fault(`${topic}@${offset} has the status ${status}`)
      const { partition } = this.place
      const sequence = batch.firstSequence + index
      const { eventId, accountId } = body === null ? { eventId: null, accountId: null } : readOrigin(topic, body)
      const scorePoints = isScored(topic, status) ? input.scorePoints : null
      const reasonCodes: string[] = []
      this.reasons.set(sequence, reasonCodes)
      const told = { topic, offset, status, reason, verdict, scorePoints, reasonCodes, eventId, accountId }
      this.found.inputs.push({ partition, sequence, ...told, brokerTimeMs, journaledMs: createdMs })
      this.sequence = sequence + 1
    })
    for (const place of this.topics.keys()) passGaps(place)
    for (const gap of gaps.values())
      this.fault(`@${revision} a gap at ${this.topics[gap.topic]}@${gap.fromOffset} is not where the journal is`)
  }

  private takeDecision(revision: number, data: Uint8Array): void {
    const { sequence, reasonCodes } = JSON.parse(Buffer.from(data).toString()) as { sequence: number; reasonCodes: readonly string[] }
    const reasons = this.reasons.get(sequence)
    if (reasons === undefined) return this.fault(`@${revision} decides sequence ${sequence}, which is not of the batch before it`)
    reasons.push(...reasonCodes)
  }

  private sent(place: number): ReadonlyMap<number, string> {
    return this.place.truth.get(`${this.topics[place]}/${this.place.partition}`) ?? new Map()
  }

  private fault(text: string): void {
    this.found.faults.push(`${this.place.stream}: ${text}`)
  }
}

/** Every entry of a stream; none where nobody has begun it yet. */
async function* entriesOf(ledger: Ledger, stream: string): AsyncGenerator<RecordedEntry> {
  try {
    yield* ledger.readStream(stream, { from: 'start', direction: 'forwards' })
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
}

/** What was screened is scored, and of what came late those topics that can be without a window. */
function isScored(topic: RawTopic, status: InputStatus): boolean {
  return status === 'screened' || (status === 'late' && ['payments', 'logins', 'p2p-trades'].includes(topic))
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
