import { RiskError, type Metrics, type ScreenedTopic, type Verdict } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import { fallbackVerdict } from '@riskledger/policy'
import type { AnswerPublisher } from './answer-publisher'
import type { DecisionDesk, Settled } from './decision-desk'
import type { EventAppender } from './event-appender'
import type { FallbackInForce } from './fallback-in-force'
import { Refusal } from './problem'
import { digestOf, receiptOf, recordOf, type Receipt } from './receipt'
import { eventKey, type Outcome, type RecentVerdicts } from './recent-verdicts'

/** What deciding stands on. */
export interface DecideParts {
  readonly desk: DecisionDesk
  readonly recent: RecentVerdicts
  readonly appender: EventAppender
  readonly answers: AnswerPublisher
  readonly fallback: Pick<FallbackInForce, 'current'>
  readonly partitionCount: number
  readonly nowMs: () => number
  readonly metrics: Metrics
}

/** One question. */
export interface Question<Topic extends ScreenedTopic = ScreenedTopic> {
  readonly topic: Topic
  readonly event: RawEvents[Topic]
  readonly deadlineMs: number
  /** When it came in, by `performance.now()`: the deadline counts from there. */
  readonly askedAtMs: number
}

/** What the caller is told. */
export interface Decision {
  readonly eventId: string
  readonly topic: ScreenedTopic
  /** What to do with the event. */
  readonly kind: Verdict
  /** True where the policy's fallback says so, and not the journal: no verdict in time, or an event too late to get one. */
  readonly fallback: boolean
  /** `pending`: the journal has not told of it yet. */
  readonly status: 'screened' | 'late' | 'pending'
  /** 0 to 1000; null while pending. */
  readonly scorePoints: number | null
  /** Weightiest first; of a fallback `deadline-passed` or `late-event`. */
  readonly reasonCodes: readonly string[]
  /** Null where nothing stands behind it but `allow`, and for a fallback. */
  readonly decisionId: string | null
  /** Place in the journal; null while pending. */
  readonly partition: number | null
  readonly sequence: number | null
  /** How far behind the newest event of its partition it came; null unless it was late. */
  readonly lateByMs: number | null
  /** From question to answer. */
  readonly latencyMs: number
  /** Where this request put the event; null where it was there already, or the log had not answered yet. */
  readonly receipt: Receipt | null
}

/**
 * Publishes an event and waits for its verdict; past the deadline the fallback speaks. A retry of the same bytes gets the first verdict: what is
 * remembered or under way is not published again, and what is gets called a duplicate by the journal. Throws `Refusal` for an id that is taken by other
 * bytes, for what the journal quarantines, and where the log or the gateway takes no more.
 */
export async function decide(parts: DecideParts, question: Question): Promise<Decision> {
  const decision = await answer(parts, question)
  const { event, deadlineMs } = question
  parts.answers.publish({
    accountId: event.accountId,
    traceId: event.traceId,
    inputEventId: event.eventId,
    verdict: decision.kind,
    fallback: decision.fallback,
    latencyMs: decision.latencyMs,
    deadlineMs,
  })
  parts.metrics.count('riskledger_gateway_decisions_total', 1, { kind: decision.kind, fallback: String(decision.fallback) })
  return decision
}

async function answer({ desk, recent, appender, fallback, ...parts }: DecideParts, question: Question): Promise<Decision> {
  const { topic, event, deadlineMs, askedAtMs } = question
  const record = recordOf(topic, event, { partitionCount: parts.partitionCount, nowMs: parts.nowMs() })
  const digest = digestOf(record)
  const key = eventKey(record.value, 10)
  const told = (outcome: Outcome | null, receipt: Receipt | null): Decision =>
    decisionOf(question, { outcome, receipt, fallback: fallbackVerdict(fallback.current, { ...event, topic }) })

  const known = recent.get(key)
  if (known !== undefined && known.outcome.status !== 'quarantined') {
    if (Buffer.compare(known.digest, digest) === 0) return told(known.outcome, null)
    throw conflict(event.eventId, known.outcome)
  }
  const underWay = desk.find(key)
  if (underWay !== undefined && Buffer.compare(underWay.digest, digest) !== 0) throw conflict(event.eventId, null)
  if (desk.full) throw overloaded('As many callers wait for a verdict as may.')
  const awaited = underWay ?? desk.open(key, digest)
  if (underWay === undefined) {
    appender.append([record]).then(
      ([offset]) => (awaited.receipt = receiptOf(record, offset)),
      (error: unknown) => desk.refuse(awaited, error),
    )
  }
  const settled = await desk.wait(awaited, deadlineMs - (performance.now() - askedAtMs))
  return told(settled === null ? null : outcomeOf(settled, event.eventId), underWay === undefined ? awaited.receipt : null)
}

/** The outcome of a settled event. Throws the refusal that it amounts to. */
function outcomeOf(settled: Settled, eventId: string): Outcome {
  switch (settled.kind) {
    case 'failed':
      throw refusalOfAppend(settled.error)
    case 'conflicting':
      throw conflict(eventId, { partition: settled.partition, sequence: settled.firstSequence })
    case 'decided':
      if (settled.outcome.status === 'quarantined') throw quarantined(eventId, settled.outcome)
      return settled.outcome
    default: {
      const never: never = settled
      throw new Error(`unknown end of a wait: ${String(never)}`)
    }
  }
}

function decisionOf(
  { topic, event, askedAtMs }: Question,
  { outcome, receipt, fallback }: { readonly outcome: Outcome | null; readonly receipt: Receipt | null; readonly fallback: Verdict },
): Decision {
  const late = outcome?.status === 'late'
  return {
    eventId: event.eventId,
    topic,
    kind: outcome?.verdict ?? fallback,
    fallback: (outcome?.verdict ?? null) === null,
    status: outcome === null ? 'pending' : late ? 'late' : 'screened',
    scorePoints: outcome?.scorePoints ?? null,
    reasonCodes: outcome === null ? ['deadline-passed'] : late && outcome.verdict === null ? ['late-event'] : outcome.reasonCodes,
    decisionId: outcome?.decisionId ?? null,
    partition: outcome?.partition ?? null,
    sequence: outcome?.sequence ?? null,
    lateByMs: outcome?.lateByMs ?? null,
    latencyMs: Math.max(0, Math.round(performance.now() - askedAtMs)),
    receipt,
  }
}

function conflict(eventId: string, first: { readonly partition: number; readonly sequence: number | null } | null): Refusal {
  const place =
    first === null || first.sequence === null ? 'is under way' : `stands as sequence ${first.sequence} of partition ${first.partition}`
  const detail = `The event id ${eventId} ${place} with other content. Send an event again unchanged, and another event under an id of its own.`
  return new Refusal({ code: 'conflicting', detail, errors: [{ field: 'event.eventId', code: 'conflicting', reason: detail }] })
}

function quarantined(eventId: string, { reason, partition, sequence }: Outcome): Refusal {
  const detail = `The event ${eventId} was quarantined as sequence ${sequence} of partition ${partition}: ${reason}. It has no verdict and counts for nothing.`
  const field = reason === 'future-event' ? 'event.eventTimeMs' : 'event'
  return new Refusal({ code: 'quarantined', detail, errors: [{ field, code: reason ?? 'quarantined', reason: detail }] })
}

/** What the caller hears where the log did not take events. */
export function refusalOfAppend(error: unknown): unknown {
  if (!(error instanceof RiskError)) return error
  if (error.code === 'limit-reached' && error.retriable) return overloaded('As many events wait for the log as may.')
  const detail = `The log does not take events now (${error.code}). Nothing is known to be published: send the same events again, with the same ids.`
  return new Refusal({ code: 'unavailable', detail, retryAfterSeconds: error.retriable ? 1 : 30 })
}

function overloaded(detail: string): Refusal {
  return new Refusal({ code: 'overloaded', detail: `${detail} Send the same again after the time in Retry-After.`, retryAfterSeconds: 1 })
}
