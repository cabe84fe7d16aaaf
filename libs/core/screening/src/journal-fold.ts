import { strict as assert } from 'node:assert'
import { RAW_TOPICS, type RawTopic } from '@riskledger/contracts'
import {
  decisionId,
  decodeInputsScreened,
  emptyHead,
  emptyInput,
  ZERO_HASH,
  type ChainHead,
  type InputsScreenedView,
  type JournaledFact,
  type JournaledInput,
  type OpenedEntry,
} from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { encodeAnswer } from './answer-given'
import { encodeDecision, withDecisionId } from './batch-builder'
import { emptyInputToScreen, ScreeningStep, type InputToScreen, type PartitionIdentity } from './screening-step'
import { hashOfCopy } from './state-snapshot'
import { TOUCH_AHEAD } from './touch-ahead'

/** The first difference between what an entry records and what its fold gives. */
export interface Mismatch {
  readonly stream: string
  readonly revision: number
  readonly sequence: number
  readonly field: string
  readonly recorded: string
  readonly folded: string
}

/** Content of `SegmentOpened`. */
export interface SegmentOpened {
  readonly partition: number
  readonly segment: number
  readonly partitionCount: number
  readonly topics: readonly string[]
  readonly nextOffsets: readonly number[]
  readonly dedupeKey: string
}

/** Content of `TenureBegan`. */
export interface TenureBegan {
  readonly workerId: string
  readonly generation: number
  readonly engineHash: string
  readonly stateHash: string
  /** True where every answer among its inputs has an `AnswerGiven`; left out in tenures from before there were any. */
  readonly recordsAnswers?: boolean
}

/** Content of `StateAttested`: the state hash of the tenure that holds the partition. */
export interface StateAttested {
  readonly generation: number
  readonly stateHash: string
}

/** An entry that must follow a batch, by what was folded. */
interface ExpectedEntry {
  readonly type: 'DecisionMade' | 'AnswerGiven'
  readonly sequence: number
  readonly json: Uint8Array
}

/** Of each topic the next offset, and where the batch ends. */
interface OffsetCursor {
  readonly next: number[]
  readonly end: readonly number[]
}

/** How mismatches name the entries that follow a batch. */
const FIELD_OF = { DecisionMade: 'decision', AnswerGiven: 'answer' } as const

/** Sees every input of the journal as it is folded. */
export type InputVisitor = (
  at: { readonly sequence: number; readonly revision: number },
  recorded: JournaledInput,
  facts: readonly JournaledFact[],
) => void

const NO_FACTS: readonly JournaledFact[] = []

/**
 * Folds a partition's journal, entry by entry, into the state that its worker had, deciding everything again on the way and comparing it
 * with what is recorded: status, reason, verdict, score of every input, every decision byte for byte with all window values in it, and every answer that was given.
 */
export class JournalFold {
  head: ChainHead
  /** Null before the journal's first entry. */
  step: ScreeningStep | null = null
  /** Next offset to read of each topic, by index. */
  nextOffsets: number[] = []
  tenure: TenureBegan | null = null
  /** Inputs folded, beginning with the first entry that this fold applied. */
  inputCount = 0
  /** Entries that this fold applied. */
  entryCount = 0
  comparedCount = 0
  mismatchCount = 0
  firstMismatch: Mismatch | null = null
  /** Whether the hash of the whole state is compared with each tenure's, too: replay does, a worker that takes over spares itself that. */
  checksStates = false
  /** What must still follow the last batch, in order. */
  private expected: ExpectedEntry[] = []
  /** Hash of the state folded at the last `TenureBegan`; null where there was none, and where states are not compared. */
  private hashAtTenure: string | null = null
  private readonly inputs = Array.from({ length: TOUCH_AHEAD }, emptyInputToScreen)
  private readonly out = emptyInput()

  constructor(stream: string) {
    this.head = emptyHead(stream)
  }

  /** Continues from a state at `head` instead of from the first entry. */
  resume(from: {
    readonly head: ChainHead
    readonly step: ScreeningStep
    readonly nextOffsets: readonly number[]
    readonly tenure: TenureBegan | null
  }): void {
    this.head = from.head
    this.step = from.step
    this.nextOffsets = [...from.nextOffsets]
    this.tenure = from.tenure
  }

  /**
   * Folds the entry after `head`. `policyOf` gives the policy that a `PolicyActivated` names. Throws on content that no journal of ours holds
   * (the hash chain was checked before, so that is a programmer's error or another version's entry).
   */
  apply(entry: OpenedEntry, policyOf: (hash: string) => AcceptedPolicy, visit?: InputVisitor): void {
    assert(entry.revision === this.head.revision + 1, 'entries are folded in order')
    if (entry.type !== 'DecisionMade' && entry.type !== 'AnswerGiven') this.finish()
    this.head = entry.head
    this.entryCount++
    switch (entry.type) {
      case 'SegmentOpened':
        return this.open(readJson(entry) as SegmentOpened)
      case 'TenureBegan':
        this.tenure = readJson(entry) as TenureBegan
        this.opened().beginTenure(this.tenure.stateHash)
        if (this.checksStates) this.meetTenure(entry, this.tenure, policyOf)
        return
      case 'StateAttested':
        return this.meetAttestation(entry, readJson(entry) as StateAttested)
      case 'PolicyActivated': {
        const { policyHash, mode } = readJson(entry) as { policyHash: string; mode: string }
        if (mode === 'live') this.opened().activate(policyOf(policyHash))
        return
      }
      case 'InputsScreened':
        return this.foldInputs(entry, visit)
      case 'DecisionMade':
      case 'AnswerGiven':
        return this.compareFollowing(entry, entry.type)
      default:
        throw new Error(`${entry.stream}@${entry.revision}: entry type ${entry.type} is unknown to this version`)
    }
  }

  /** Notes decisions and answers that must follow the last batch and that the journal lacks; call it at the journal's end. */
  finish(): void {
    const { stream, revision } = this.head
    for (const { type, sequence, json } of this.expected) {
      const field = FIELD_OF[type]
      this.mismatch({ stream, revision, sequence, field, recorded: `no ${field}`, folded: Buffer.from(json).toString('utf8') })
    }
    this.expected = []
  }

  private opened(): ScreeningStep {
    assert(this.step !== null, 'a journal begins with SegmentOpened')
    return this.step
  }

  private open(segment: SegmentOpened): void {
    this.step = new ScreeningStep(identityOf(segment))
    this.nextOffsets = [...segment.nextOffsets]
  }

  private foldInputs(entry: OpenedEntry, visit: InputVisitor | undefined): void {
    const step = this.opened()
    const batch = decodeInputsScreened(entry.data)
    const drawn = new Map<number, Uint8Array>()
    const draw = (sequence: number): Uint8Array | null => drawn.get(sequence) ?? null
    const answers: ExpectedEntry[] = []
    const recordsAnswers = this.tenure?.recordsAnswers === true
    let nextFact = 0
    this.comparePlace(entry, batch)
    const cursor = { next: [...this.nextOffsets], end: [...this.nextOffsets] }
    for (const { topic, toOffset } of batch.positions) cursor.end[topic] = toOffset
    const count = batch.forEachBlock(TOUCH_AHEAD, (block, length) => {
      for (let i = 0; i < length; i++) fill(this.inputs[i], block[i])
      step.readAhead(this.inputs, length)
      for (let i = 0; i < length; i++) {
        const recorded = block[i]
        const sequence = step.nextSequence
        let facts = NO_FACTS
        if (nextFact < batch.facts.length && batch.facts[nextFact].sequence === sequence) {
          const from = nextFact
          while (nextFact < batch.facts.length && batch.facts[nextFact].sequence === sequence) nextFact++
          facts = batch.facts.slice(from, nextFact)
          for (const fact of facts) {
            if (fact.kind === 'random-challenge') drawn.set(sequence, fact.value)
            else step.facts.apply(fact)
          }
        }
        this.compareOffset(entry, { sequence, recorded, cursor })
        const decision = step.screen(this.inputs[i], this.out, draw)
        this.compareInput(entry, sequence, recorded)
        if (decision !== null) {
          const json = withDecisionId(encodeDecision(decision), decisionId(entry.id, this.expected.length))
          this.expected.push({ type: 'DecisionMade', sequence, json })
        }
        if (recordsAnswers && step.answer !== null) answers.push({ type: 'AnswerGiven', sequence, json: encodeAnswer(step.answer) })
        visit?.({ sequence, revision: entry.revision }, recorded, facts)
      }
    })
    if (nextFact < batch.facts.length) this.refuseFact(entry, batch.facts[nextFact])
    for (const answer of answers) this.expected.push(answer)
    this.inputCount += count
    for (const position of batch.positions) this.nextOffsets[position.topic] = position.toOffset
    step.tick(batch.tickMs)
  }

  /** A batch must begin where the one before it ended, in sequence and in every topic. */
  private comparePlace(entry: OpenedEntry, batch: InputsScreenedView): void {
    const sequence = this.opened().nextSequence
    const at = { stream: entry.stream, revision: entry.revision, sequence }
    if (batch.firstSequence !== sequence) {
      this.mismatch({ ...at, field: 'firstSequenceOfBatch', recorded: String(batch.firstSequence), folded: String(sequence) })
    }
    for (const { topic, fromOffset } of batch.positions) {
      if (fromOffset === this.nextOffsets[topic]) continue
      this.mismatch({ ...at, field: `fromOffset of topic ${topic}`, recorded: String(fromOffset), folded: String(this.nextOffsets[topic]) })
    }
  }

  /** Offsets of a topic only rise, within what the batch covers; which of those between were gaps is for verify to say, who reads all entries' gaps. */
  private compareOffset(
    { stream, revision }: OpenedEntry,
    at: { readonly sequence: number; readonly recorded: JournaledInput; readonly cursor: OffsetCursor },
  ): void {
    const { sequence, recorded, cursor } = at
    const { topic, offset } = recorded
    const [next, end] = [cursor.next[topic], cursor.end[topic]]
    if (offset >= next && offset < end) cursor.next[topic] = offset + 1
    else this.mismatch({ stream, revision, sequence, field: 'offset', recorded: String(offset), folded: `from ${next} to below ${end}` })
  }

  /** Facts stand in the order of the inputs that used them first, each with one. */
  private refuseFact({ stream, revision }: OpenedEntry, { sequence, kind }: JournaledFact): void {
    this.mismatch({ stream, revision, sequence, field: 'fact', recorded: `a ${kind} fact`, folded: 'no input that it could belong to' })
  }

  private compareInput(entry: OpenedEntry, sequence: number, recorded: JournaledInput): void {
    const folded = this.out
    this.comparedCount++
    if (
      recorded.status === folded.status &&
      recorded.verdict === folded.verdict &&
      recorded.scorePoints === folded.scorePoints &&
      recorded.reason === folded.reason &&
      recorded.lateByMs === folded.lateByMs &&
      recorded.firstSequence === folded.firstSequence &&
      recorded.dedupeUnchecked === folded.dedupeUnchecked &&
      recorded.habitDistanceCenti === folded.habitDistanceCenti
    ) {
      return
    }
    for (const field of [
      'status',
      'reason',
      'verdict',
      'scorePoints',
      'lateByMs',
      'firstSequence',
      'dedupeUnchecked',
      'habitDistanceCenti',
    ] as const) {
      if (recorded[field] === folded[field]) continue
      this.mismatch({
        stream: entry.stream,
        revision: entry.revision,
        sequence,
        field,
        recorded: String(recorded[field]),
        folded: String(folded[field]),
      })
      return
    }
  }

  private compareFollowing(entry: OpenedEntry, type: ExpectedEntry['type']): void {
    const expected = this.expected[0]?.type === type ? this.expected.shift() : undefined
    this.comparedCount++
    const recorded = Buffer.from(entry.data)
    // An answer's place among the inputs stands in its metadata alone.
    if (expected !== undefined && entry.metadata.firstSequence === expected.sequence && recorded.equals(expected.json)) return
    const field = FIELD_OF[type]
    this.mismatch({
      stream: entry.stream,
      revision: entry.revision,
      sequence: expected?.sequence ?? entry.metadata.firstSequence ?? 0,
      field,
      recorded: recorded.toString('utf8'),
      folded: expected === undefined ? `no ${field}` : Buffer.from(expected.json).toString('utf8'),
    })
  }

  private meetTenure(entry: OpenedEntry, { stateHash: recorded }: TenureBegan, policyOf: (hash: string) => AcceptedPolicy): void {
    const step = this.opened()
    this.hashAtTenure = null
    if (step.policyHash === ZERO_HASH) return
    if (recorded === ZERO_HASH) {
      // An entry that follows tells it. Whoever does so has hashed a copy, and gone on with a state in which no label became known by that.
      this.hashAtTenure = hashOfCopy({ step, nextOffsets: this.nextOffsets, tenure: this.tenure }, policyOf)
      return
    }
    const folded = step.stateHash()
    this.hashAtTenure = folded
    this.compareState(entry, { recorded, folded })
  }

  private meetAttestation(entry: OpenedEntry, { generation, stateHash: recorded }: StateAttested): void {
    if (this.hashAtTenure === null) return
    const folded = generation === this.tenure?.generation ? this.hashAtTenure : `of tenure ${this.tenure?.generation}`
    this.compareState(entry, { recorded, folded })
  }

  private compareState(entry: OpenedEntry, hashes: { readonly recorded: string; readonly folded: string }): void {
    this.comparedCount++
    if (hashes.folded === hashes.recorded) return
    const sequence = this.opened().nextSequence - 1
    this.mismatch({ stream: entry.stream, revision: entry.revision, sequence, field: 'stateHash', ...hashes })
  }

  private mismatch(mismatch: Mismatch): void {
    this.mismatchCount++
    this.firstMismatch ??= mismatch
  }
}

function fill(input: InputToScreen, recorded: JournaledInput): void {
  input.topic = recorded.topic
  input.offset = recorded.offset
  input.brokerTimeMs = recorded.brokerTimeMs
  input.orderLagMs = recorded.orderLagMs
  input.value = recorded.body
  input.bodySha256 = recorded.bodySha256
  input.bodyLengthBytes = recorded.bodyLengthBytes
  input.keyMismatch = recorded.reason === 'key-mismatch'
  input.schemaUnknown = recorded.reason === 'unknown-schema'
}

/** The identity that a `SegmentOpened` fixes. */
export function identityOf(segment: SegmentOpened): PartitionIdentity {
  const topics = segment.topics.map((topic) => {
    assert((RAW_TOPICS as readonly string[]).includes(topic), `topic ${topic} is unknown to this version`)
    return topic as RawTopic
  })
  return { partition: segment.partition, partitionCount: segment.partitionCount, topics, dedupeKey: Buffer.from(segment.dedupeKey, 'hex') }
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}
