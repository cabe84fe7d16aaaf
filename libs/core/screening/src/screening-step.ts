import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import type { EventTopic, InputStatus, RawTopic, Verdict } from '@riskledger/contracts'
import { compilePolicy, describeDecision, newScoreCard, score, type CompiledPolicy, type DescribedDecision } from '@riskledger/detectors'
import { EventViews, type RawEvents, type RawViews } from '@riskledger/events'
import { ZERO_HASH, type JournaledInput } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { ProfileStore, type Features } from '@riskledger/profiles'
import { admit } from './admit'
import { answerDraftOf, type AnswerDraft } from './answer-given'
import { businessIdOf } from './business-id'
import { EventMemory } from './event-memory'
import { FactDesk } from './fact-desk'
import type { FactReference } from './fact-shelf'
import { InputsAhead } from './inputs-ahead'
import { profileOptions } from './profile-options'

/** Largest record that is journaled whole; a larger one is journaled as hash, length and position. */
export const MAX_BODY_BYTES = 65_536

/** An event of any raw topic, as decoded. */
export type RawEvent = RawEvents[EventTopic]
/** One as the step reads it. */
type EventView = RawViews[EventTopic]

/** What is fixed for a partition by its first journal entry. */
export interface PartitionIdentity {
  readonly partition: number
  readonly partitionCount: number
  readonly topics: readonly RawTopic[]
  /** 16 random bytes that key the fingerprints of event ids. */
  readonly dedupeKey: Uint8Array
}

/** A record on its way through the step. Mutable, so that one instance can be reused. */
export interface InputToScreen {
  topic: number
  offset: number
  brokerTimeMs: number
  orderLagMs: number | null
  /** The record's value; null in a fold of an input of which only the digest was kept. */
  value: Uint8Array | null
  /** Where only the digest was kept: that digest and the length. */
  bodySha256: Uint8Array | null
  bodyLengthBytes: number
  /** True where the record's key is not its account's id: the one thing of the record that its value does not tell. */
  keyMismatch: boolean
  /**
   * True in a fold of an input that was refused because its schema was not known then: what a process knew is no property of the bytes, and a later
   * one that knows the schema must come to what was recorded.
   */
  schemaUnknown: boolean
  /** Its place among the inputs last read ahead, or -1. */
  ahead: number
}

/** An input to be filled and reused. */
export function emptyInputToScreen(): InputToScreen {
  return {
    topic: 0,
    offset: 0,
    brokerTimeMs: 0,
    orderLagMs: null,
    value: null,
    bodySha256: null,
    bodyLengthBytes: 0,
    keyMismatch: false,
    schemaUnknown: false,
    ahead: -1,
  }
}

/** A decision before its batch gives it an id. */
export interface DecisionDraft extends DescribedDecision {
  readonly sequence: number
  readonly eventId: string
  readonly accountId: string
  readonly eventTimeMs: number
  readonly subject: { readonly topic: RawTopic; readonly businessId: string }
  /** The facts that the verdict could see, with where they stand. */
  readonly facts: readonly FactReference[]
}

/** The draw for a random challenge at `ratePpm` in a million: the bytes that prove it, or null where the input is not drawn. */
export type ChallengeDraw = (sequence: number, ratePpm: number) => Uint8Array | null

/**
 * One partition's state and the step that takes it from input to input: status, windows, profiles, detectors, score, verdict.
 * No clock, no I/O, no randomness: the same inputs, facts, draws, ticks and policies in the same order give the same results.
 * A policy must be activated before the first input.
 */
export class ScreeningStep {
  readonly facts = new FactDesk()
  nextSequence = 1
  streamTimeMs = 0
  tickMs = 0
  policyHash: string = ZERO_HASH
  readonly statusCounts: Record<InputStatus, number> = { screened: 0, observed: 0, late: 0, duplicate: 0, conflicting: 0, quarantined: 0 }
  readonly verdictCounts: Record<Verdict, number> = { allow: 0, challenge: 0, hold: 0, block: 0 }
  dedupeUncheckedCount = 0
  readonly memory: EventMemory
  /** Reads the events; each is good until the next of its topic. */
  readonly views = new EventViews()
  readonly ahead = new InputsAhead()
  /** What the last input says that a waiting caller was told; null where it was no answer, or not taken. */
  answer: AnswerDraft | null = null
  private readonly answersTopic: number
  private readonly card = newScoreCard()
  private readonly context = { late: false, facts: this.facts }
  private lastFeatures: Features | null = null
  private active: { readonly policy: Policy; readonly compiled: CompiledPolicy; readonly profiles: ProfileStore } | null = null

  constructor(readonly identity: PartitionIdentity) {
    this.memory = new EventMemory(identity.dedupeKey)
    this.answersTopic = identity.topics.indexOf('answers')
  }

  get policy(): Policy {
    assert(this.active !== null, 'a policy is activated before the first input')
    return this.active.policy
  }

  get profiles(): ProfileStore {
    assert(this.active !== null, 'a policy is activated before the first input')
    return this.active.profiles
  }

  /** The policy in force from the next input on; what was learned so far stays. */
  activate(accepted: AcceptedPolicy): void {
    const options = profileOptions(accepted.policy)
    let profiles = this.active?.profiles
    if (profiles === undefined) profiles = new ProfileStore(options)
    else profiles.configure(options)
    this.active = { policy: accepted.policy, compiled: compilePolicy(accepted.policy), profiles }
    this.policyHash = accepted.hash
  }

  /**
   * Takes over a tenure that tells the hash of the state it began with. Whoever made that hash let labels become known up to then, and a switch of
   * policy right after it goes on from there; so every fold of the entry does the same.
   */
  beginTenure(stateHash: string): void {
    if (stateHash !== ZERO_HASH && this.active !== null) this.active.profiles.advance(this.nowMs())
  }

  /** Takes over the time that the journal recorded: wall time with a live batch, a file's order time with each of its inputs. Never goes back. */
  tick(tickMs: number): void {
    if (tickMs > this.tickMs) this.tickMs = tickMs
  }

  /** Reads inputs ahead of their screening; see `InputsAhead`. Whoever does without gets the same results, slower. */
  readAhead(inputs: readonly InputToScreen[], count: number): void {
    this.ahead.read(inputs, count, this)
  }

  /**
   * Screens the next input: fills `out` and returns the decision where the verdict is other than `allow`.
   * Facts that it used for the first time are in `facts.listed` until the next call, an answer that it tells of in `answer`.
   */
  screen(input: InputToScreen, out: JournaledInput, draw: ChallengeDraw): DecisionDraft | null {
    const sequence = this.nextSequence++
    this.facts.beginInput(sequence)
    this.lastFeatures = null
    this.answer = null
    if (input.orderLagMs !== null) this.tick(input.brokerTimeMs + input.orderLagMs)
    copyPlace(input, out)
    const event = admit(this, { input, out, sequence })
    this.statusCounts[out.status]++
    if (event === null) return null
    if (input.topic === this.answersTopic) this.answer = answerDraftOf(event as RawViews['answers'], sequence)
    const decision = this.observe(this.identity.topics[input.topic] as EventTopic, event, { sequence, out, draw })
    if (out.verdict !== null) this.verdictCounts[out.verdict]++
    return decision
  }

  /**
   * What the last input was judged on, allowed ones too: the numbers that the detectors looked at and what they made of them; null where it was
   * not judged. Allocates. Read it before the next input: the features are reused.
   */
  describeLast(): { readonly features: Features; readonly described: DescribedDecision } | null {
    if (this.lastFeatures === null) return null
    return { features: this.lastFeatures, described: describeDecision(this.lastFeatures, this.active!.compiled, this.card) }
  }

  /**
   * Hash of the logical state, whatever its layout and whatever has silently expired: equal states, equal hashes. Labels that are due by
   * now become known first, as with the next event.
   */
  stateHash(): string {
    const nowMs = this.nowMs()
    const hash = createHash('sha256')
    hash.update(JSON.stringify([this.identity.partition, this.nextSequence, this.streamTimeMs, this.policyHash]))
    hash.update(this.memory.canonicalHash(this.streamTimeMs, this.policy.state.dedupeHorizonMs))
    hash.update(this.profiles.canonicalHash(nowMs))
    hash.update(this.facts.canonicalHash())
    return hash.digest('hex')
  }

  /** Stream time, or the last tick where that is later. */
  private nowMs(): number {
    return this.tickMs > this.streamTimeMs ? this.tickMs : this.streamTimeMs
  }

  private observe(
    topic: EventTopic,
    event: EventView,
    at: { readonly sequence: number; readonly out: JournaledInput; readonly draw: ChallengeDraw },
  ): DecisionDraft | null {
    const { out, sequence } = at
    const { profiles, compiled, policy } = this.active!
    this.context.late = out.status === 'late'
    profiles.advance(this.nowMs())
    const features = profiles.observe(topic, event, this.context)
    if (topic === 'outcomes') out.habitDistanceCenti = profiles.lastOutcomeHabitDistanceCenti
    if (features === null) return null
    this.lastFeatures = features
    score(features, compiled, this.card)
    out.scorePoints = this.card.scorePoints
    if (out.status === 'late') return null
    out.verdict = this.card.verdict
    if (out.verdict !== 'allow') return this.draft(topic, event, { sequence, described: describeDecision(features, compiled, this.card) })
    const random = policy.randomChallenge
    if (random.ratePpm === 0 || this.card.scorePoints > random.maxScorePoints) return null
    const drawn = at.draw(sequence, random.ratePpm)
    if (drawn === null) return null
    this.facts.list('random-challenge', event.accountId, drawn)
    out.verdict = 'challenge'
    const described = {
      verdict: out.verdict,
      scorePoints: out.scorePoints,
      signals: [],
      combinations: [],
      reasonCodes: ['random-challenge'],
    }
    return this.draft(topic, event, { sequence, described })
  }

  private draft(
    topic: EventTopic,
    event: RawEvent,
    at: { readonly sequence: number; readonly described: DescribedDecision },
  ): DecisionDraft {
    const { eventId, accountId, eventTimeMs } = event
    return {
      ...at.described,
      sequence: at.sequence,
      eventId,
      accountId,
      eventTimeMs,
      subject: { topic, businessId: businessIdOf(topic, event) },
      facts: this.facts.used(),
    }
  }
}

function copyPlace(input: InputToScreen, out: JournaledInput): void {
  out.topic = input.topic
  out.offset = input.offset
  out.brokerTimeMs = input.brokerTimeMs
  out.orderLagMs = input.orderLagMs
  out.reason = null
  out.lateByMs = null
  out.firstSequence = null
  out.verdict = null
  out.scorePoints = 0
  out.dedupeUnchecked = false
  out.habitDistanceCenti = null
  if (input.value === null || input.value.length > MAX_BODY_BYTES) {
    out.body = null
    out.bodySha256 = input.value === null ? input.bodySha256 : createHash('sha256').update(input.value).digest()
    out.bodyLengthBytes = input.value === null ? input.bodyLengthBytes : input.value.length
  } else {
    out.body = input.value
    out.bodySha256 = null
    out.bodyLengthBytes = input.value.length
  }
}
