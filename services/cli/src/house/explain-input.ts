import { RiskError, type InputStatus, type Ledger, type RawTopic, type ScreenedTopic, type Verdict } from '@riskledger/contracts'
import { explainSignal } from '@riskledger/detectors'
import { decodeRaw, readUnparsable, type DecisionCombinationInput, type DecisionSignalInput } from '@riskledger/events'
import { decodeRelationsLearned, entryAt, peekBackwards, ZERO_HASH } from '@riskledger/journal'
import { PolicyShelf } from '@riskledger/screener'
import { businessIdOf, type FactReference, type RawEvent } from '@riskledger/screening'
import { findAnswer, type FoundAnswer } from './find-answer'
import type { FoundInput } from './find-input'
import { habitOf, type Habit } from './habit-of'
import type { JudgedInput } from './judged-input'
import { describeFact } from '../text/describe-fact'
import { isScreened } from './input-rows'

/** A signal with the sentence that tells it. */
interface ExplainedSignal extends DecisionSignalInput {
  readonly sentence: string
}

/** A fact with where it comes from and what it said. */
interface ExplainedFact extends FactReference {
  readonly sentence: string
}

/** Everything that is known of an input and its verdict, as `explain --json` prints it. */
export interface Explanation {
  readonly status: InputStatus
  readonly verdict: Verdict | null
  readonly scorePoints: number | null
  /** Scores from which each verdict holds, by the policy then in force; null for what gets no verdict. */
  readonly bands: { readonly challenge: number; readonly hold: number; readonly block: number } | null
  readonly decisionId: string | null
  readonly eventId: string | null
  readonly accountId: string | null
  readonly subject: { readonly topic: RawTopic; readonly businessId: string | null }
  /** The event's own fields; null where no event could be read. */
  readonly event: RawEvent | null
  readonly eventTimeMs: number | null
  /** Of a quarantined input: why, as a code and in words. */
  readonly reason: string | null
  readonly detail: string | null
  readonly lateByMs: number | null
  readonly firstSequence: number | null
  readonly again: FoundInput['again']
  /** What a caller who waited for the verdict was told; null where nobody waited. */
  readonly answer: FoundAnswer | null
  /** `recorded`: the evidence stands in the ledger. `folded`: the journal was folded to find it. Null: there is none. */
  readonly evidence: 'recorded' | 'folded' | null
  /** What the account was used to; null where the journal was not folded, and for an input without a verdict. */
  readonly habit: Habit | null
  readonly signals: readonly ExplainedSignal[]
  readonly combinations: readonly DecisionCombinationInput[]
  readonly reasonCodes: readonly string[]
  readonly facts: readonly ExplainedFact[]
  readonly policy: { readonly hash: string; readonly name: string; readonly referenceCurrency: string; readonly since: string } | null
  readonly position: {
    readonly stream: string
    readonly revision: number
    readonly decisionRevision: number | null
    readonly partition: number
    readonly sequence: number
    readonly topic: RawTopic
    readonly offset: number
    readonly brokerTimeMs: number
  }
}

/** Puts an explanation together; `judged` is what a fold found for an input without a recorded decision. */
export async function explainInput(
  found: FoundInput,
  options: { readonly ledger: Ledger; readonly environment: string; readonly judged: JudgedInput | null },
): Promise<Explanation> {
  const { ledger, environment, judged } = options
  const { input, topic, decision } = found
  const { event, detail } = readEvent(found)
  const evidence = decision?.made ?? judged?.described ?? null
  const facts = decision?.made.facts.map(asReference) ?? judged?.facts ?? []
  const scored = input.status === 'screened' || (input.status === 'late' && isScreened(topic))
  const policy = await policyOf(found, { ledger, environment })
  return {
    status: input.status,
    verdict: input.verdict,
    scorePoints: scored ? input.scorePoints : null,
    bands: isScreened(topic) ? (policy?.bands?.[topic as ScreenedTopic] ?? null) : null,
    decisionId: decision?.made.decisionId ?? null,
    eventId: event?.eventId ?? null,
    accountId: event?.accountId ?? null,
    subject: { topic, businessId: event === null || topic === 'unparsable' ? null : businessIdOf(topic, event) },
    event,
    eventTimeMs: event?.eventTimeMs ?? null,
    reason: input.reason,
    detail,
    lateByMs: input.lateByMs,
    firstSequence: input.firstSequence,
    again: found.again,
    answer: await findAnswer(found, ledger),
    evidence: evidence === null ? null : decision === null ? 'folded' : 'recorded',
    habit: judged === null ? null : habitOf(judged),
    signals: (evidence?.signals ?? []).map((signal) => ({ ...signal, sentence: explainSignal(signal) })),
    combinations: evidence?.combinations ?? [],
    reasonCodes: evidence?.reasonCodes ?? [],
    facts: await Promise.all(facts.map((fact) => explainFact(fact, found, ledger))),
    policy:
      policy === null ? null : { hash: policy.hash, name: policy.name, referenceCurrency: policy.referenceCurrency, since: policy.since },
    position: {
      stream: found.entry.stream,
      revision: found.entry.revision,
      decisionRevision: decision?.revision ?? null,
      partition: found.partition,
      sequence: found.sequence,
      topic,
      offset: input.offset,
      brokerTimeMs: input.brokerTimeMs,
    },
  }
}

/** The event of an input, or why there is none, or what is wrong with it. */
export function readEvent({ input, topic }: FoundInput): { readonly event: RawEvent | null; readonly detail: string | null } {
  if (input.body === null)
    return {
      event: null,
      detail: `the record has ${input.bodyLengthBytes} bytes, above the limit; its SHA-256 is ${Buffer.from(input.bodySha256!).toString('hex')}`,
    }
  if (topic === 'unparsable') return { event: null, detail: readUnparsable(input.body).detail }
  const decoded = decodeRaw(topic, input.body)
  if (decoded.kind === 'rejected') return { event: null, detail: decoded.detail }
  return { event: decoded.event, detail: input.reason === null ? null : detailOf(input.reason, decoded.event, input.brokerTimeMs) }
}

/** What the bytes alone do not tell: the step found it by the record's key, partition or broker time. */
function detailOf(reason: string, event: RawEvent, brokerTimeMs: number): string {
  switch (reason) {
    case 'future-event':
      return `its event time ${new Date(event.eventTimeMs).toISOString()} is further past its arrival at ${new Date(brokerTimeMs).toISOString()} than the policy's maxSkewMs allows`
    case 'key-mismatch':
      return `the record's key is not its accountId (${event.accountId})`
    case 'mispartitioned':
      return `the account ${event.accountId} belongs on another partition: its publisher hashes keys in another way than murmur2`
    default:
      return reason
  }
}

interface PolicyInForce {
  readonly hash: string
  readonly name: string
  readonly referenceCurrency: string
  readonly since: string
  readonly bands: Readonly<Record<ScreenedTopic, { readonly challenge: number; readonly hold: number; readonly block: number }>> | null
}

async function policyOf(
  { entry }: FoundInput,
  { ledger, environment }: { readonly ledger: Ledger; readonly environment: string },
): Promise<PolicyInForce | null> {
  const hash = entry.metadata.policyHash
  if (hash === ZERO_HASH) return null
  const since = await activeSince(ledger, entry)
  try {
    const { policy } = await new PolicyShelf(ledger, environment).load(hash)
    return { hash, name: policy.name, referenceCurrency: policy.referenceCurrency, since, bands: policy.bands }
  } catch (error) {
    // A policy of another version: what was decided by it is told all the same.
    if (!(error instanceof RiskError) || error.code !== 'policy-invalid') throw error
    return { hash, name: 'of another version', referenceCurrency: '', since, bands: null }
  }
}

/** The entry that put the policy of an entry into force, as `stream@revision`. */
export async function activeSince(ledger: Ledger, at: { readonly stream: string; readonly revision: number }): Promise<string> {
  for await (const { recorded } of peekBackwards(ledger, at.stream, at.revision)) {
    if (recorded.type === 'PolicyActivated') return `${at.stream}@${recorded.revision}`
  }
  return `${at.stream}@0`
}

function asReference(fact: {
  readonly kind: string
  readonly keyToken: string
  readonly sourceStream: string
  readonly sourceRevision: number
}): FactReference {
  return { ...fact, kind: fact.kind.replace('_', '-') as FactReference['kind'] }
}

/** The value stands with the input that first used it, or in the relations entry that the fact names. */
async function explainFact(fact: FactReference, found: FoundInput, ledger: Ledger): Promise<ExplainedFact> {
  const { kind, keyToken, sourceStream, sourceRevision } = fact
  const reference = { kind, keyToken, sourceStream, sourceRevision }
  const listed = found.facts.find((one) => one.kind === kind && one.keyToken === keyToken)
  if (listed !== undefined) return { ...reference, sentence: describeFact(kind, listed.value) }
  if (sourceStream === '') return { ...reference, sentence: describeFact(kind, null) }
  const learned = decodeRelationsLearned((await entryAt(ledger, sourceStream, sourceRevision)).data)
  const source = learned.facts.findLast((one) => one.kind === kind && one.keyToken === keyToken)
  return { ...reference, sentence: describeFact(kind, source?.value ?? null) }
}
